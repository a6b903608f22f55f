"""The edit catalogue: codemods on the original text, found through `ast`, each with a canonical instruction.

How to write a family
---------------------
A family is a generator function `(source: Source) -> Iterator[Offer]` in a file of its own, listed in `registry.FAMILIES`
(earlier families claim a place of the text first). It yields

- `Setting`: one value that can be set. Give its place (`start`, `end`: the literal's span; for an absent argument the
  insertion point and a `prefix` such as `, lr=`), its `domain` (`values.floats(1e-4, 1e-3, 1e-2)`, `ints`,
  `words`, `flag`)
  and the `present` value or default. Instructions `set NAME of OWNER to V` (or `set NAME to V` without an owner), the
  choice of values, off-grid values and the way back all follow from it.
- `Change`: a fixed phrase (`grammar.Phrase("replace", ("ReLU", "GELU"))`; forms are the table `grammar.FORMS`, add to
  it when none fits) and its exact replacements.

Both carry `family` (the bandit's arm, such as `learning-rate`), and an `anchor`, the offset of the call or statement.
Where the same words fit several places the catalogue adds ` #N` and ` in FILE` by itself: never write them.

`Source` answers: `calls` (every named call, `call.name` qualified through the imports, `call.scope`), `span(node)`,
`segment(node)`, `parents`, `scopes`, `imported("torch")`, `newline`, `indent`, `margin(offset)`. Return at once when
`source.imported(...)` says that the library is not used. `following.Follower(source)` answers where an argument's
value really stands: `argument(call, "lr", position=1)` gives `absent`, `literal` (with its place, perhaps behind a
constant, an argparse default, a dataclass field or a dictionary) or `opaque` (do not propose); `gap(call)` says where to
add a keyword.
`imports.naming(source, "torch.nn.GELU")` gives a name for a class and the replacement that imports it if need be.

Rules: replace spans of the original text and nothing else; never touch the seed, the split, the metric's computation or
printing, data paths, `n_jobs`, `verbose`; no dependency that the file does not import already; cap what gets heavy.
"""

from mlagent_app.editors.base import NoSuchEdit
from mlagent_app.editors.catalogue.enumeration import Catalogue

__all__ = ["Catalogue", "NoSuchEdit"]
