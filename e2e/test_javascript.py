"""A key's life on the AWS SDK for JavaScript, its paginators included."""

from pathlib import Path

from rig import life

FOLDER = Path(__file__).parent / "javascript"


def test_the_javascript_sdk_leads_a_keys_life(fresh_node, javascript):
    told = life.lead(fresh_node, javascript, FOLDER / "life.mjs")
    assert told == life.expected(told)
