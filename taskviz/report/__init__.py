"""One self-contained HTML file that tells the whole story, and the way back from it."""

from taskviz.report.embed import ReportValues, read_report
from taskviz.report.write import write_report

__all__ = ["ReportValues", "read_report", "write_report"]
