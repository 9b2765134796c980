"""Questions and answers; the help page lists and searches them."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.lib import texts


@dataclass(frozen=True)
class Topic:
    """A question with its answer, one text a paragraph."""

    slug: str
    title: Promise
    answer: tuple[Promise, ...]
    # Whether it is about credits or money, which there are not without billing.
    is_about_credits: bool = False


TOPICS = (
    Topic(
        "prompt",
        _("How do I write a good prompt?"),
        (
            _(
                "Describe who or what the video shows, what happens, the place, the light and how "
                "the camera moves. One scene works better than three."
            ),
            _(
                "Most models add sound: describe what should be heard. Some can leave it out, and "
                "some take a negative prompt or a seed; “More options” in the studio shows them."
            ),
        ),
    ),
    Topic(
        "time",
        _("How long does a video take?"),
        (
            _(
                "Usually one to three minutes. Longer videos and better models take longer. The "
                "card shows the progress."
            ),
            _("You can close the tab. Rendering continues, and the video appears in your library."),
        ),
    ),
    Topic(
        "origin",
        _("How can others tell that AI made a video?"),
        (
            _(
                "Every new video carries content credentials: its file says that AI made it, with "
                "which model, and who signed that. It does not say who you are, and the prompt "
                "only if you choose so under Settings, Your data."
            ),
            _(
                "Anybody can check a file on the page “Check a file”, which is linked at the "
                "bottom of every public page. It also recognises copies that were re-encoded."
            ),
        ),
    ),
    Topic(
        "failure",
        _("What happens when a video fails?"),
        (
            _(
                "We return all its credits at once when it fails, takes too long, is cancelled or "
                "is blocked by the content check."
            ),
            _("Your credit history shows both entries: the credits spent and those returned."),
        ),
        is_about_credits=True,
    ),
    Topic(
        "blocked",
        _("Why was my prompt blocked?"),
        (
            _(
                "A content check reads every prompt and image before we take an order. It blocks "
                "what the content rules do not allow, and sometimes more than that."
            ),
            _(
                "Rewrite the prompt and try again. If too many of your prompts are blocked in one "
                "day, you can order again the next day."
            ),
        ),
    ),
    Topic(
        "credits",
        _("When do credits expire?"),
        (
            _(
                "The billing page shows when each part of your balance expires. Credits that "
                "expire first are spent first."
            ),
            _("We send you an e-mail one week before credits expire."),
        ),
        is_about_credits=True,
    ),
    Topic(
        "refund",
        _("Can I get my money back?"),
        (
            _(
                "Write to us with the number of the receipt. We can refund credits that you bought "
                "and did not spend, to the card you paid with."
            ),
        ),
        is_about_credits=True,
    ),
    Topic(
        "image",
        _("How do I start from an image?"),
        (
            _(
                "Add an image to the prompt in the studio. It becomes the first frame, cropped to "
                "the size of the video. JPEG, PNG and WebP work."
            ),
            _(
                "Some models also take a last image, with which the video ends, or reference "
                "images: people, things or a style that it should show. “Images” lists what the "
                "chosen model takes."
            ),
            _("Use only images you may use, and images of people only with their consent."),
        ),
    ),
    Topic(
        "remix",
        _("What is a remix?"),
        (
            _(
                "A remix is a new version of a finished video. You describe only what should "
                "change. The original stays as it is, and each video links to the other."
            ),
        ),
    ),
    Topic(
        "showcase",
        _("Who can see my videos?"),
        (
            _(
                "Only you, until you share a link or offer a video to the showcase. You can revoke "
                "both at any time."
            ),
        ),
    ),
    Topic(
        "api",
        _("Can a program make videos for me?"),
        (_("Yes, with an API key. The developer pages show the first calls, ready to paste."),),
    ),
    Topic(
        "security",
        _("How do I protect my account?"),
        (
            _("Turn on two-factor sign-in in the settings, and keep the recovery codes safe."),
            _(
                "The sign-ins page lists every browser and program that is signed in. You can sign "
                "out each of them there."
            ),
        ),
    ),
    Topic(
        "delete",
        _("How do I delete my account?"),
        (
            _(
                "Open “Your data” in the settings. We close the account at once and delete it "
                "after 30 days. Until then you can restore it with the link in our e-mail, or our "
                "staff can."
            ),
        ),
    ),
)


def topics() -> list[Topic]:
    """Return the topics in their order; without billing, those that are not about credits."""
    return [topic for topic in TOPICS if settings.BILLING or not topic.is_about_credits]


def matching(words: str) -> list[Topic]:
    """Return the topics that contain all of these words; every topic when there are none."""
    wanted = texts.search_key(words).split()
    return [topic for topic in topics() if all(word in _search_key(topic) for word in wanted)]


def _search_key(topic: Topic) -> str:
    return texts.search_key(" ".join(map(str, (topic.title, *topic.answer))))


def find(slug: str) -> Topic | None:
    """Return the topic with this slug; None when there is none."""
    return next((topic for topic in topics() if topic.slug == slug), None)
