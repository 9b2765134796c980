"""Staff at work in a browser: in with a second factor, and every page of theirs looked at."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests import tiers
from tests.e2e.conftest import (
    PASSWORD,
    ROOT,
    Opener,
    card_of,
    code_of,
    keep_picture,
    make_videos,
    new_name,
    new_person,
    offer_videos,
    order,
    post,
    wallet,
)
from tests.e2e.looks import BRIEF, faults

pytestmark = pytest.mark.browser

# Django sizes the targets of its own pages.
RULES = BRIEF
# What stands for a row in an address: a word with a figure in it, or the name of an engine.
ID = re.compile(r"/(?=[^/]*\d)[\w-]+(?=/)|/sandbox(?=/)")
PATHS = "links => links.map(link => new URL(link.href, location.href).pathname)"


def create_staff(folder: Path) -> str:
    """A new member of staff, made as docs/operations.md says; the name."""
    name = new_name()
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput"]
    own = {"DATA_DIR": str(folder), "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    subprocess.run(
        [*command, "--username", name, "--email", ""],
        cwd=ROOT, env={**kept, **own}, check=True, capture_output=True,
    )  # fmt: skip
    return name


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.fixture(scope="module")
def staff_session(site: str, folder: Path, chromium: Browser) -> StorageState:
    """Staff who came in the one way there is: led to a second factor, and in again with it."""
    name = create_staff(folder)
    context = chromium.new_context(base_url=site, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/admin/billing/payment/")
    sign_in(page, name)
    expect(page.get_by_text("Staff need two-factor sign-in.")).to_be_visible()
    keep_picture(page, "staff-led-to-two-factor")
    page.get_by_role("link", name="Turn it on").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)  # asked for once more
    page.get_by_role("button", name="Confirm").click()
    secret = page.locator("code").inner_text()
    page.locator("[name=code]").fill(code_of(secret))
    page.get_by_role("button", name="Turn it on").click()
    page.wait_for_url("**/accounts/2fa/**")
    context.clear_cookies()
    page.goto("/admin/")
    sign_in(page, name)
    keep_picture(page, "staff-asked-for-a-code")
    page.locator("[name=code]").fill(code_of(secret, 1))  # the present one is spent
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    state = context.storage_state()
    context.close()
    return state


def number(page: Page, words: str) -> Locator:
    """The link of a line of the first page."""
    return page.locator(".tile dl").get_by_role("link", name=words, exact=True)


def after(page: Page, what: str) -> Locator:
    """What a page says of one thing, before and after."""
    return page.locator(".change-preview tr", has_text=what).locator("td")


def test_staff_fail_a_stuck_video_and_its_credits_return(
    tab: Opener, staff_session: StorageState, person: StorageState
) -> None:
    owner, admin = (
        tab("/studio/", person=person),
        tab("/admin/", person=staff_session),
    )
    prompt = f"Stuck for ever {new_name()} [[hang]]"
    order(owner, prompt, "4 s")
    expect(card_of(owner, prompt)).to_have_attribute("data-state", "rendering")
    admin.reload()
    number(admin, "Rendering").click()
    admin.get_by_role("link", name=prompt).click()
    admin.get_by_role("link", name="Fail and refund").click()
    expect(after(admin, "State")).to_have_text(["Rendering", "Failed"])
    expect(after(admin, "Credits of")).to_have_text(["80", "100"])
    keep_picture(admin, "staff-fail-before")
    question = admin.url
    admin.get_by_label("Reason").fill("It hangs")
    admin.get_by_role("button", name="Fail and refund").click()
    expect(admin.get_by_text("The video failed, and its credits were refunded.")).to_be_visible()
    expect(admin.locator("#entries tbody tr td:nth-child(3)")).to_have_text(["-20", "20"])
    keep_picture(admin, "staff-fail-after")
    admin.goto(question)
    expect(admin.get_by_text("The video has changed. Nothing was done.")).to_be_visible()
    expect(card_of(owner, prompt)).to_have_attribute("data-state", "failed")
    owner.reload()
    expect(wallet(owner)).to_have_text("100")


def test_staff_preview_and_refund_a_payment(
    tab: Opener, staff_session: StorageState, person: StorageState
) -> None:
    owner = tab("/billing/", person=person)
    owner.get_by_role("button", name="Buy Trial").click()
    owner.get_by_role("button", name=re.compile("^Pay ¥")).click()
    expect(owner.get_by_text("Payment received.").last).to_be_visible()
    expect(wallet(owner)).to_have_text("200")
    admin = tab("/admin/billing/payment/?show=paid", person=staff_session)
    admin.get_by_role("link", name="Refund this payment").first.click()
    admin.get_by_label("Reason").fill("Asked by mail")
    admin.get_by_role("button", name="Preview the refund").click()
    expect(admin.get_by_text("Refunds ¥9.90 CNY.")).to_be_visible()
    expect(after(admin, "Credits")).to_have_text(["200", "100"])
    keep_picture(admin, "staff-refund-before")
    admin.get_by_role("button", name="Refund now").click()
    expect(admin.locator(".messagelist")).to_contain_text("efund")
    keep_picture(admin, "staff-refund-after")
    owner.goto("/billing/")
    expect(wallet(owner)).to_have_text("100")


def test_staff_preview_and_grant_credits(
    tab: Opener, staff_session: StorageState, person: StorageState
) -> None:
    owner = tab("/studio/", person=person)
    name = owner.request.get("/settings/").text()
    found = re.search(r"person\d+x\d+", name)
    assert found
    admin = tab(f"/admin/accounts/user/?q={found[0]}", person=staff_session)
    admin.locator("#result_list").get_by_role("link", name=found[0], exact=True).click()
    admin.get_by_role("link", name="Adjust credits").click()
    admin.get_by_label("Credits").fill("50")
    admin.get_by_label("Reason").fill("Sorry for the wait")
    admin.get_by_role("button", name="Preview the balance").click()
    expect(after(admin, "Credits of")).to_have_text(["100", "150"])
    keep_picture(admin, "staff-give-before")
    admin.get_by_role("button", name="Save the adjustment").click()
    expect(admin.get_by_text("+50 credits were booked.")).to_be_visible()
    owner.reload()
    expect(wallet(owner)).to_have_text("150")


@pytest.mark.parametrize("width", [1440, 390])
def test_search_of_a_list_has_room_beside_the_count_of_its_results(
    tab: Opener, staff_session: StorageState, width: int
) -> None:
    viewport = {"width": width, "height": 900}
    page = tab("/admin/accounts/user/?q=nobody-has-this", person=staff_session, viewport=viewport)
    field, send, every = (
        page.locator(f"#changelist-search {part}").evaluate(
            "part => (({ width, height }) => [Math.round(width), height])("
            "part.getBoundingClientRect())"
        )
        for part in ("#searchbar", "input[type=submit]", "a.button")
    )
    assert (field[0] >= 160, send[1], every[1]) == (True, field[1], field[1])
    if width == 1440:
        tops = page.locator("#changelist-search :is(input[type=submit], a.button)").evaluate_all(
            "parts => parts.map((part) => part.getBoundingClientRect().top)"
        )
        assert tops[0] == tops[1]


def test_staff_order_preview_publish_and_hide_clips(
    tab: Opener, staff_session: StorageState, person: StorageState
) -> None:
    names = [f"{word} {new_name()}" for word in ("A kite", "A ferry", "A loom")]
    owner = tab("about:blank", person=person)
    offer_videos(owner.request, *make_videos(owner.request, *names))
    admin = tab("/admin/", person=staff_session)
    number(admin, "Clips offered").click()
    rows = admin.locator("#result_list tbody tr")
    here = [" ".join(name.split()[:2]) for name in names]

    def shown() -> list[str]:
        texts = admin.locator("#result_list .field-title").all_inner_texts()
        return [" ".join(t.split()[:2]) for t in texts if " ".join(t.split()[:2]) in here]

    expect(rows.filter(has_text=names[0])).to_have_attribute("draggable", "true")
    assert shown() == here[::-1]
    rows.filter(has_text=names[0]).drag_to(
        rows.filter(has_text=names[2]),
        source_position={"x": 100, "y": 40},
        target_position={"x": 100, "y": 5},
    )
    assert shown() == [here[0], here[2], here[1]]
    keep_picture(admin, "staff-clips-dragged")
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.locator(".messagelist")).to_contain_text("changed successfully")
    admin.get_by_role("button", name=f"Move “{names[1]}” up").click()
    admin.wait_for_url("**/admin/showcase/clip/")
    admin.goto("/admin/showcase/clip/?show=offered")
    assert shown() == [here[0], here[1], here[2]]
    admin.get_by_role("link", name=names[1]).click()
    admin.get_by_label("Title", exact=True).fill(f"The ferry {names[1]}")
    admin.get_by_role("button", name="Save and continue editing").click()
    admin.get_by_role("link", name="Preview the page").click()
    expect(admin.get_by_text("This page becomes public when you publish the clip.")).to_be_visible()
    expect(admin.get_by_role("heading", level=1)).to_have_text(f"The ferry {names[1]}")
    keep_picture(admin, "staff-clip-preview")
    for action, public in (("Publish selected clips", 1), ("Hide selected clips", 0)):
        admin.goto("/admin/showcase/clip/")
        admin.locator("#result_list tr", has_text=names[1]).locator(".action-select").check()
        admin.get_by_label("Action:").select_option(label=action)
        admin.get_by_role("button", name="Go", exact=True).click()
        expect(admin.locator(".messagelist")).to_be_visible()
        owner.goto("/showcase/?order=new")
        expect(owner.get_by_role("link", name=f"The ferry {names[1]}")).to_have_count(public)


def test_staff_order_clips_when_javascript_is_off(
    tab: Opener, staff_session: StorageState, person: StorageState
) -> None:
    names = [f"{word} {new_name()}" for word in ("A drum", "A sail")]
    owner = tab("about:blank", person=person)
    offer_videos(owner.request, *make_videos(owner.request, *names))
    admin = tab("/admin/showcase/clip/", person=staff_session, java_script_enabled=False)
    titles = admin.locator("#result_list .field-title")
    before = titles.all_inner_texts()
    admin.get_by_role("button", name=f"Move “{names[0]}” up").click()
    at = before.index(names[0])
    expect(titles.nth(at - 1)).to_have_text(names[0])


def test_staff_decide_a_report(
    tab: Opener, staff_session: StorageState, person: StorageState
) -> None:
    name = f"A stolen song {new_name()}"
    owner = tab("about:blank", person=person)
    [address] = make_videos(owner.request, name)
    offer_videos(owner.request, address)
    visitor = tab("/report/")
    visitor.get_by_label("Which video?").fill(visitor.url.replace("/report/", address))
    visitor.get_by_label("What is wrong?").select_option("rights")
    visitor.get_by_label("Details").fill("I wrote it.")
    visitor.get_by_role("button", name="Send").click()
    admin = tab("/admin/", person=staff_session)
    number(admin, "Open reports").click()
    admin.get_by_role("link", name=address.strip("/").split("/")[-1]).first.click()
    keep_picture(admin, "staff-report")
    admin.get_by_role("link", name="Hide the video").click()
    expect(after(admin, "Report")).to_have_text(["Open", "Closed"])
    admin.get_by_label("Reason").fill("The claim holds")
    admin.get_by_role("button", name="Hide the video").click()
    expect(admin.get_by_text("The report was closed.")).to_be_visible()
    expect(admin.get_by_text("not public")).to_be_visible()
    keep_picture(admin, "staff-report-closed")


# ---- every page of the staff side ----


@pytest.fixture(scope="module")
def busy(site: str, chromium: Browser) -> str:
    """Something on most lists of the house; the id of a video that renders."""
    person = new_person(site, chromium)
    context = chromium.new_context(base_url=site, storage_state=person, reduced_motion="reduce")
    page = context.new_page()
    endless, _ = (
        post(context.request, "/api/videos", {"prompt": prompt, "seconds": "4"})
        for prompt in ("Waves that never end [[hang]]", "A fall [[fail:internal_error]]")
    )
    [address] = make_videos(context.request, "A garden")
    offer_videos(context.request, address)
    page.goto("/billing/")
    page.get_by_role("button", name="Buy Trial").click()
    page.get_by_role("button", name=re.compile("^Pay ¥")).click()
    expect(page.get_by_text("Payment received.").last).to_be_visible()
    for path, form in (("/report/", {"Which video?": address}), ("/feedback/", {})):
        page.goto(path)
        for label, words in form.items():
            page.get_by_label(label).fill(words)
        if path == "/feedback/":
            page.get_by_label("Your feedback").fill("Folders, please.")
        page.get_by_role("button", name="Send").click()
    context.close()
    return str(endless["id"])


def links_of(page: Page) -> list[str]:
    paths = page.eval_on_selector_all("a[href^='/admin/'], #content a[href]", PATHS)
    skipped = re.compile(r"/(still|film|logout)/")
    return [path for path in paths if path.startswith("/admin/") and not skipped.search(path)]


def kind_of(path: str) -> str:
    """Pages that differ in nothing but their row, or come from one template of Django's."""
    kind = ID.sub("/*", path)
    last = kind.strip("/").rsplit("/", 1)[-1]
    if kind.count("/") == 3:
        return "app"
    return last if last in {"history", "delete"} else kind


def test_every_staff_page_fits_the_screen(
    tab: Opener, staff_session: StorageState, busy: str
) -> None:
    """One page of every kind that can be reached from the first one."""
    page = tab("/admin/", person=staff_session)
    # What can still be decided comes first, so that the questions are among the pages.
    open_report = "/admin/showcase/abusereport/?state__exact=open"
    todo = ["/admin/", open_report, f"/admin/videos/video/{busy}/change/"]
    seen, wrong, pages = {kind_of(path) for path in todo}, [], 0
    while todo:
        path = todo.pop()
        answer = page.goto(path)
        assert answer
        assert (path, answer.status) == (path, 200)
        name = ID.sub("/one", path).strip("/").replace("/", "-")
        for link in links_of(page):
            kind = kind_of(link)
            if kind not in seen:
                seen.add(kind)
                todo.append(link)
        # Most are Django's own templates, so the short tier has axe look at each second one.
        pages += 1
        wrong += faults(page, name, RULES if tiers.THOROUGH or pages % 2 else None)
    assert wrong == []
    models = [
        "videos/video",
        "videos/rejectedprompt",
        "billing/payment",
        "showcase/clip",
        "accounts/user",
    ]
    assert {f"/admin/{model}/" for model in models} <= seen
    assert {
        "history", "delete",
        "/admin/videos/video/*/actions/fail/", "/admin/billing/account/*/adjust/",
        "/admin/billing/payment/*/refund/", "/admin/showcase/abusereport/*/decide/hide/",
        "/admin/accounts/user/*/password/", "/admin/videos/price/add/",
    } <= seen  # fmt: skip
