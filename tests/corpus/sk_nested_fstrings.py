from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
from sklearn.model_selection import train_test_split
DEPTH = 2
X, y = load_iris(return_X_y=True)
a, b, c, d = train_test_split(X, y, random_state=0)
clf = DecisionTreeClassifier(max_depth=DEPTH, random_state=0).fit(a, c)
row = f"{'acc':>{5 + 3}}: {f'{clf.score(b, d):.{DEPTH + 2}f}'} {DecisionTreeClassifier(max_depth=9)!r} {dict(lr=0.1)}"
print(row)
print(f"""accuracy:
{clf.score(b, d)
 :.3f}""")
