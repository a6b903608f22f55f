"""One improvement of one project: the loop, its decisions and budgets, its journal and its resumption."""
