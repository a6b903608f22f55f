"""The task environment as other libraries know environments. Thin: they translate, and decide nothing."""
