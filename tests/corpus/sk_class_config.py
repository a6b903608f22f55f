from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier, Perceptron
from sklearn.model_selection import train_test_split


class Settings:
    ALPHA = 10.0
    EPOCHS = 20
    SEED = 4
    TEST_SIZE = 0.3


class Experiment:
    def __init__(self, alpha=Settings.ALPHA):
        self.alpha = alpha
        self.model = RidgeClassifier(alpha=self.alpha)
        self.other = Perceptron(max_iter=Settings.EPOCHS, random_state=Settings.SEED)

    def run(self):
        X, y = load_digits(return_X_y=True)
        X1, X2, y1, y2 = train_test_split(X, y, test_size=Settings.TEST_SIZE, random_state=Settings.SEED)
        self.model.fit(X1, y1)
        self.other.fit(X1, y1)
        return max(self.model.score(X2, y2), self.other.score(X2, y2))


print("score:", Experiment().run())
