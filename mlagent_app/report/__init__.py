"""A finished or unfinished session as a table, JSON, Markdown and one HTML file."""

from mlagent_app.agent.summary import Summary, summarise, to_json
from mlagent_app.report.markdown import to_markdown
from mlagent_app.report.page import to_html
from mlagent_app.report.terminal import to_table

__all__ = ["Summary", "summarise", "to_html", "to_json", "to_markdown", "to_table"]
