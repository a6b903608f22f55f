"""The app's own two themes; all of Textual's can be chosen in the palette."""

from textual.theme import Theme

DARK = Theme(
    name="mlagent-dark",
    primary="#6f9ceb",
    secondary="#8fa1bd",
    accent="#e3b261",
    success="#7cc48d",
    warning="#e0a458",
    error="#e06c75",
    foreground="#d8dde6",
    background="#10141b",
    surface="#1a202a",
    panel="#1f2733",
    dark=True,
    variables={"footer-key-foreground": "#e3b261", "footer-background": "#10141b"},
)
LIGHT = Theme(
    name="mlagent-light",
    primary="#2f62b8",
    secondary="#5a6b85",
    accent="#9a6200",
    success="#2e7d46",
    warning="#a35b00",
    error="#b3303c",
    foreground="#1c2430",
    background="#fbfbf9",
    surface="#f0f1ef",
    panel="#e6e8e6",
    dark=False,
    variables={"footer-key-foreground": "#9a6200", "footer-background": "#fbfbf9"},
)
