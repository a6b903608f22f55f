import argparse

from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def parse():
    p = argparse.ArgumentParser(description="MLP on digits")
    p.add_argument("--hidden", type=int, default=16, help="hidden units")
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--alpha", type=float, default=1e-4)
    p.add_argument("--max-iter", dest="max_iter", type=int, default=30)
    p.add_argument("--activation", choices=["relu", "tanh", "logistic"], default="relu")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--test-size", type=float, default=0.25)
    p.add_argument("--verbose", action="store_true")
    return p.parse_args([])


def main():
    args = parse()
    X, y = load_digits(return_X_y=True)
    X_tr, X_te, y_tr, y_te = train_test_split(X / 16.0, y, test_size=args.test_size, random_state=args.seed)
    net = MLPClassifier(
        hidden_layer_sizes=(args.hidden,),
        learning_rate_init=args.lr,
        alpha=args.alpha,
        max_iter=args.max_iter,
        activation=args.activation,
        random_state=args.seed,
    )
    net.fit(X_tr, y_tr)
    print("test accuracy:", accuracy_score(y_te, net.predict(X_te)))


if __name__ == "__main__":
    main()
