"""The study of estimators and verdicts on exhaustive truth."""
