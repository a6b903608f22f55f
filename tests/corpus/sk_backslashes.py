from sklearn.linear_model import \
    SGDClassifier, \
    LogisticRegression
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
X, y = \
    load_breast_cancer(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, \
                                          random_state=11)
model = SGDClassifier(loss="log_loss", \
                      alpha=0.001, penalty='l2', \
                      random_state=11)
second = LogisticRegression(max_iter=50, \
    C=0.3)
model.fit(X_tr, y_tr); second.fit(X_tr, y_tr)
print("accuracy: %.4f" \
      % max(model.score(X_te, y_te), second.score(X_te, y_te)))
