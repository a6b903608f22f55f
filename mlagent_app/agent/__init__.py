"""The pure core: actions, state, metrics, reward and events. No I/O happens here."""
