"""Bag-of-embeddings text classifier with a hand-made tokenizer, in the style of the official tutorial."""
import random
import re
from collections import Counter

import torch
from torch import nn
from torch.utils.data import DataLoader

EPOCHS = 5  # epoch
LR = 5  # learning rate
BATCH_SIZE = 16  # batch size for training

random.seed(4)
torch.manual_seed(4)

GOOD = "great lovely sharp funny moving bright clever warm".split()
BAD = "dull slow noisy flat boring clumsy cold empty".split()
FILLER = "the a film plot actor scene was and with of it that very".split()


def sentence(label):
    own, other = (GOOD, BAD) if label else (BAD, GOOD)
    words = random.choices(FILLER, k=9) + random.choices(own, k=2) + random.choices(other, k=1)
    random.shuffle(words)
    return label, " ".join(words)


rows = [sentence(random.randint(0, 1)) for _ in range(600)]
train_rows, valid_rows, test_rows = rows[:400], rows[400:500], rows[500:]

counter = Counter(tok for _, text in train_rows for tok in re.findall(r"\w+", text))
vocab = {tok: i + 1 for i, (tok, _) in enumerate(counter.most_common())}


def collate_batch(batch):
    label_list, text_list, offsets = [], [], [0]
    for label, text in batch:
        label_list.append(label)
        ids = torch.tensor([vocab.get(t, 0) for t in text.split()], dtype=torch.int64)
        text_list.append(ids)
        offsets.append(ids.size(0))
    return torch.tensor(label_list), torch.cat(text_list), torch.tensor(offsets[:-1]).cumsum(dim=0)


class TextClassificationModel(nn.Module):
    def __init__(self, vocab_size, embed_dim, num_class):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, embed_dim, sparse=False)
        self.fc = nn.Linear(embed_dim, num_class)
        self.init_weights()

    def init_weights(self):
        initrange = 0.5
        self.embedding.weight.data.uniform_(-initrange, initrange)
        self.fc.weight.data.uniform_(-initrange, initrange)
        self.fc.bias.data.zero_()

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


model = TextClassificationModel(len(vocab) + 1, 16, 2)
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=LR)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1.0, gamma=0.1)
total_accu = None


def train(dataloader):
    model.train()
    for label, text, offsets in dataloader:
        optimizer.zero_grad()
        predicted_label = model(text, offsets)
        loss = criterion(predicted_label, label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()


def evaluate(dataloader):
    model.eval()
    total_acc, total_count = 0, 0
    with torch.no_grad():
        for label, text, offsets in dataloader:
            predicted_label = model(text, offsets)
            total_acc += (predicted_label.argmax(1) == label).sum().item()
            total_count += label.size(0)
    return total_acc / total_count


train_dataloader = DataLoader(train_rows, batch_size=BATCH_SIZE, shuffle=True, collate_fn=collate_batch)
valid_dataloader = DataLoader(valid_rows, batch_size=BATCH_SIZE, shuffle=False, collate_fn=collate_batch)
test_dataloader = DataLoader(test_rows, batch_size=BATCH_SIZE, shuffle=False, collate_fn=collate_batch)

for epoch in range(1, EPOCHS + 1):
    train(train_dataloader)
    accu_val = evaluate(valid_dataloader)
    if total_accu is not None and total_accu > accu_val:
        scheduler.step()
    else:
        total_accu = accu_val
    print("| end of epoch {:3d} | valid accuracy {:8.3f} ".format(epoch, accu_val))

accu_test = evaluate(test_dataloader)
print("test accuracy {:8.3f}".format(accu_test))
