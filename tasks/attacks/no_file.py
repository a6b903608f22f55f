"""Hand in nothing."""

# expect: refused
print("done")
