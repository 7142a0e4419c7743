"""Skip-gram with negative sampling on a toy text, with sparse gradients: SparseAdam, then Adagrad; and bags of words."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
TEXT = """the king rules the land and the queen rules the land the farmer works the field and the miller works the mill
the king likes the queen and the farmer likes the miller"""
WORDS = TEXT.split()
VOCABULARY = {word: i for i, word in enumerate(sorted(set(WORDS)))}
TOKENS = torch.tensor([VOCABULARY[word] for word in WORDS])
WINDOW, NEGATIVES, DIM = 2, 4, 8


class SkipGram(nn.Module):
    def __init__(self, size, dim):
        super().__init__()
        self.center = nn.Embedding(size, dim, sparse=True)
        self.context = nn.Embedding(size, dim, sparse=True)
        nn.init.uniform_(self.center.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.context.weight)

    def forward(self, center, context, negative):
        v = self.center(center)
        positive = (v * self.context(context)).sum(1)
        others = torch.bmm(self.context(negative), v.unsqueeze(2)).squeeze(2)
        return -(F.logsigmoid(positive) + F.logsigmoid(-others).sum(1)).mean()


pairs = [
    (TOKENS[i], TOKENS[j])
    for i in range(len(TOKENS))
    for j in range(max(0, i - WINDOW), min(len(TOKENS), i + WINDOW + 1))
    if i != j
]
centers, contexts = (torch.stack(side) for side in zip(*pairs))
model = SkipGram(len(VOCABULARY), DIM)
print(model)
for optimizer in (
    torch.optim.SparseAdam(list(model.parameters()), lr=0.05),
    torch.optim.Adagrad(model.parameters(), lr=0.05),
    torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5),
):
    for epoch in range(3):
        order, total = torch.randperm(len(centers)), 0.0
        for batch in order.split(32):
            negative = torch.randint(len(VOCABULARY), (len(batch), NEGATIVES))
            loss = model(centers[batch], contexts[batch], negative)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        grad = model.center.weight.grad
        print(type(optimizer).__name__, epoch, total, grad.is_sparse, grad._nnz(), grad.coalesce()._nnz())
print(F.cosine_similarity(model.center.weight[VOCABULARY["king"]], model.center.weight[VOCABULARY["queen"]], dim=0))

bag = nn.EmbeddingBag(len(VOCABULARY), DIM, mode="mean", sparse=True)
head = nn.Linear(DIM, 2)
dense, sparse = torch.optim.Adam(head.parameters(), lr=0.05), torch.optim.SparseAdam(bag.parameters(), lr=0.05)
offsets, labels = torch.tensor([0, 5, 12, 20]), torch.tensor([0, 1, 0, 1])
for step in range(5):
    loss = F.cross_entropy(head(bag(TOKENS[:28], offsets)), labels)
    dense.zero_grad()
    sparse.zero_grad()
    loss.backward()
    dense.step()
    sparse.step()
    print("bag", step, loss.item(), bag.weight.grad._nnz(), bag.weight.grad.to_dense().norm().item())
