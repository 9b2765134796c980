"""Questions and answers; the help page lists and searches them."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Topic:
    """A question with its answer, one text a paragraph."""

    slug: str
    title: Promise
    answer: tuple[Promise, ...]


TOPICS = (
    Topic(
        "prompt",
        _("How do I write a good prompt?"),
        (
            _(
                "Say who or what is in the picture, what it does, where it is, what the light is "
                "like "
                "and how the camera moves. One scene is better than three."
            ),
            _("Sound is made too: name what is to be heard, or write that it is silent."),
        ),
    ),
    Topic(
        "time",
        _("How long does a video take?"),
        (
            _(
                "Usually one to three minutes; longer videos and the better model take longer. "
                "The card "
                "shows how far it is."
            ),
            _("You may close the tab: it carries on without you, and waits in your library."),
        ),
    ),
    Topic(
        "failure",
        _("What happens when a video fails?"),
        (
            _(
                "All its credits come back by themselves in the moment it fails, takes too long, "
                "is "
                "cancelled or is stopped by the content check."
            ),
            _(
                "The history of your credits shows the line that took them and the line that "
                "returned them."
            ),
        ),
    ),
    Topic(
        "blocked",
        _("Why was my prompt stopped?"),
        (
            _(
                "A content check reads every prompt and picture before anything is charged. It "
                "stops what "
                "the rules of use do not allow, and sometimes more than that."
            ),
            _(
                "Say it in other words. Whoever is stopped too often within a day has to wait "
                "until tomorrow."
            ),
        ),
    ),
    Topic(
        "credits",
        _("When do credits expire?"),
        (
            _(
                "The billing page shows every part of your balance with its day. What expires "
                "first is spent first."
            ),
            _("You are told by e-mail a week before credits expire."),
        ),
    ),
    Topic(
        "refund",
        _("Can I have my money back?"),
        (
            _(
                "Write to us with the receipt's number. Credits that were bought and not spent "
                "can be "
                "refunded to the card they were paid with."
            ),
        ),
    ),
    Topic(
        "image",
        _("How do I start from an image?"),
        (
            _(
                "Add a picture to the prompt in the studio. It becomes the first frame, cropped "
                "to the size "
                "of the video. JPEG, PNG and WebP work."
            ),
            _("Use pictures that are yours, and of people only with their consent."),
        ),
    ),
    Topic(
        "remix",
        _("What is a remix?"),
        (
            _(
                "A new version of a finished video, for which you only say what is to change. The "
                "video it "
                "came from stays as it is, and both remember each other."
            ),
        ),
    ),
    Topic(
        "showcase",
        _("Who sees my videos?"),
        (
            _(
                "Only you, until you share a link or offer a video to the showcase. You can take "
                "both back at "
                "any time."
            ),
        ),
    ),
    Topic(
        "api",
        _("Can a program make videos for me?"),
        (_("Yes, with an API key. The pages for developers show the first calls to paste."),),
    ),
    Topic(
        "security",
        _("How do I protect my account?"),
        (
            _("Turn on two-factor sign-in in the settings, and keep the recovery codes."),
            _(
                "The page of sign-ins lists every browser and program that is signed in, and ends "
                "them."
            ),
        ),
    ),
    Topic(
        "delete",
        _("How do I delete my account?"),
        (
            _(
                "In the settings, under your data. It is closed at once and deleted 30 days "
                "later; until then "
                "the link in our e-mail brings it back, or our support does."
            ),
        ),
    ),
)


def matching(words: str) -> list[Topic]:
    """Return the topics that contain all of these words; every topic when there are none."""
    wanted = words.lower().split()
    return [
        topic
        for topic in TOPICS
        if all(word in " ".join(map(str, (topic.title, *topic.answer))).lower() for word in wanted)
    ]


def find(slug: str) -> Topic | None:
    """Return the topic with this slug; None when there is none."""
    return next((topic for topic in TOPICS if topic.slug == slug), None)
