import asyncio
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

LR_MAX_ITER = 150


async def fit(kind: str = "forest", n_estimators: int = 10):
    X, y = load_iris(return_X_y=True)
    match kind:
        case "forest": model = RandomForestClassifier(n_estimators=n_estimators, random_state=0)
        case "linear":
            model = LogisticRegression(max_iter=LR_MAX_ITER)
        case other:
            raise ValueError(other)
    model.fit(X[::2], y[::2])
    return (lambda m, scale=1.0: m.score(X[1::2], y[1::2]) * scale)(model)


async def main():
    first, second = await asyncio.gather(fit(), fit("linear"))
    print(f"accuracy={max(first, second):.4f}")

asyncio.run(main())
