"""The job API of kie.ai: createTask, recordInfo, and result files at the URLs of the record.

Answers are envelopes whose `code` counts, whatever the HTTP status is. The API key is sent only to
the configured URLs; results are downloaded without it, and only from allowed hosts.
Source: docs.kie.ai, market/common/get-task-detail, common-api/webhook-verification.
"""

from collections.abc import Mapping

from videos.engines.kie.engine import Kie

__all__ = ["Kie", "connect"]


def connect(name: str, config: Mapping[str, str]) -> Kie:
    return Kie(name, config)
