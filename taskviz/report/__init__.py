"""Files that tell the whole story, and the way back from them."""

from taskviz.report.read import ReportValues, read_report
from taskviz.report.write import write_contents, write_report

__all__ = ["ReportValues", "read_report", "write_contents", "write_report"]
