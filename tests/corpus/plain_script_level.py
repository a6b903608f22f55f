import random
random.seed(1)
lr, epochs, hidden = 0.1, 20, 8
momentum=.9
weight_decay = 1e-4; dropout=0
k=3
step = 0
def train(lr=lr, epochs=epochs, batch_size=16, *, patience=5):
    best = 0
    for _ in range(epochs): best += lr / batch_size
    return best
def helper(alpha=0.5): return alpha
result = train()
print("score =", result * helper(0.25))
