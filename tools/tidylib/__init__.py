# SPDX-License-Identifier: MIT
"""The checks of tools/tidy."""
from tidylib import cpp_rules, project_rules, text_rules
from tidylib.project import Project


def findings(root):
    """Sorted (path, line, rule, fix), and how many files were looked at."""
    project = Project(root)
    text_rules.check(project)
    cpp_rules.check(project)
    project_rules.check(project)
    return sorted(project.findings), len(project.paths)
