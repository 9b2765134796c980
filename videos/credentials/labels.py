"""Labels for players and for laws: texts in the index of an MP4, and a packet of XMP at its end.

The packet says IPTC's kind of source. Where the operator names a content producer (AIGC_PRODUCER),
texts and packet also have the field that GB 45438-2025 calls AIGC.
"""

import json
from pathlib import Path
from xml.sax.saxutils import escape

from django.conf import settings

from videos.credentials import mp4_boxes
from videos.credentials.manifests import BY_AI, GENERATOR

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/">
<xmp:CreatorTool>{program}</xmp:CreatorTool>
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>{label}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def write(source: Path, target: Path, *, model: str, produce_id: str) -> None:
    """Copy an MP4 to `target` with these labels. Raises mp4_boxes.NotWritable."""
    program = f"{GENERATOR} {settings.VERSION}"
    items = [
        mp4_boxes.text_item(b"\xa9too", program),
        mp4_boxes.text_item(b"\xa9cmt", f"AI-generated ({model})"),
    ]
    label = aigc_label(produce_id)
    if label:
        items.append(mp4_boxes.named_text_item("AIGC", label))
    mp4_boxes.write_texts(source, target, items)
    packet = PACKET.format(
        program=escape(program),
        source_type=BY_AI,
        label=f"\n<TC260:AIGC>{escape(label)}</TC260:AIGC>" if label else "",
    )
    with target.open("ab") as file:
        file.write(mp4_boxes.uuid_box(XMP_UUID, packet.encode()))


def aigc_label(produce_id: str) -> str:
    """The implicit label of GB 45438-2025 in JSON; "" unless the operator names a producer.

    Label 1 says that the content is generated. Who spreads the file elsewhere adds a propagator of
    their own; until then it is the producer.
    """
    producer = settings.AIGC_PRODUCER
    if not producer:
        return ""
    fields = {
        "Label": "1",
        "ContentProducer": producer,
        "ProduceID": produce_id,
        "ReservedCode1": "",
        "ContentPropagator": producer,
        "PropagateID": produce_id,
        "ReservedCode2": "",
    }
    return json.dumps(fields, ensure_ascii=False)
