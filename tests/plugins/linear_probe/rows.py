"""The rows of a report's tables by what they are about."""


def rows(report, table="accuracy", key="features"):
    return {row[key]: row for row in report.table(table).rows}
