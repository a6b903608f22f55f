from sklearn.datasets import load_wine
from sklearn.ensemble import VotingClassifier, AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

X, y = load_wine(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X, y, test_size=0.5, random_state=2)
boost = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=10, random_state=2)
vote = VotingClassifier([("a", boost), ("b", LogisticRegression(max_iter=100)), ("c", DecisionTreeClassifier(random_state=2))])
vote.fit(Xa, ya)
print("accuracy ->", vote.score(Xb, yb))
