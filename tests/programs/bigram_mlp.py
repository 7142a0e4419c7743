"""Names, letter by letter: a table of bigram counts, the same as one layer trained, then an MLP over three letters."""

import torch
import torch.nn.functional as F

syllables = ["an", "el", "mi", "ra", "so", "ki", "lo", "tha", "be", "jun"]
generator = torch.Generator().manual_seed(42)
words = [
    "".join(syllables[j] for j in torch.randint(10, (int(n),), generator=generator))
    for n in torch.randint(1, 4, (300,), generator=generator)
]
print(words[:5], len(words), min(map(len, words)), max(map(len, words)))
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}
V = len(stoi)

N = torch.zeros((V, V), dtype=torch.int32)
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        N[stoi[ch1], stoi[ch2]] += 1
P = (N + 1).float()
P /= P.sum(1, keepdims=True)
g = torch.Generator().manual_seed(2147483647)
for _ in range(5):
    out, ix = [], 0
    while True:
        ix = torch.multinomial(P[ix], num_samples=1, replacement=True, generator=g).item()
        out.append(itos[ix])
        if ix == 0:
            break
    print("".join(out))
log_likelihood, n = 0.0, 0
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        log_likelihood += torch.log(P[stoi[ch1], stoi[ch2]])
        n += 1
print(f"{log_likelihood.item():.3f} {-log_likelihood / n:.6f}")

xs, ys = [], []
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        xs.append(stoi[ch1])
        ys.append(stoi[ch2])
xs, ys = torch.tensor(xs), torch.tensor(ys)
num = xs.nelement()
W = torch.randn((V, V), generator=torch.Generator().manual_seed(2147483647), requires_grad=True)
for k in range(20):
    xenc = F.one_hot(xs, num_classes=V).float()
    counts = (xenc @ W).exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    W.data += -50 * W.grad
    if k % 5 == 4:
        print(f"{loss.item():.6f}")

block_size = 3


def build_dataset(words):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            X.append(context)
            Y.append(stoi[ch])
            context = context[1:] + [stoi[ch]]
    return torch.tensor(X), torch.tensor(Y)


Xtr, Ytr = build_dataset(words[:240])
Xdev, Ydev = build_dataset(words[240:])
g = torch.Generator().manual_seed(2147483647)
C = torch.randn((V, 10), generator=g)
W1 = torch.randn((30, 64), generator=g) * (5 / 3) / 30**0.5
W2 = torch.randn((64, V), generator=g) * 0.01
b2 = torch.randn(V, generator=g) * 0
bngain, bnbias = torch.ones((1, 64)), torch.zeros((1, 64))
bnmean, bnstd = torch.zeros((1, 64)), torch.ones((1, 64))
parameters = [C, W1, W2, b2, bngain, bnbias]
print(sum(p.nelement() for p in parameters))
for p in parameters:
    p.requires_grad = True
for i in range(300):
    ix = torch.randint(0, Xtr.shape[0], (32,), generator=g)
    Xb, Yb = Xtr[ix], Ytr[ix]
    hpreact = C[Xb].view(Xb.shape[0], -1) @ W1
    mean, std = hpreact.mean(0, keepdim=True), hpreact.std(0, keepdim=True)
    hpreact = bngain * (hpreact - mean) / std + bnbias
    with torch.no_grad():
        bnmean = 0.99 * bnmean + 0.01 * mean
        bnstd = 0.99 * bnstd + 0.01 * std
    logits = torch.tanh(hpreact) @ W2 + b2
    loss = F.cross_entropy(logits, Yb)
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -(0.1 if i < 200 else 0.01) * p.grad
    if i % 60 == 0:
        print(f"{i:4d} {loss.item():.4f}")


@torch.no_grad()
def split_loss(x, y):
    h = torch.tanh(bngain * (C[x].view(x.shape[0], -1) @ W1 - bnmean) / bnstd + bnbias)
    return F.cross_entropy(h @ W2 + b2, y).item()


print(f"{split_loss(Xtr, Ytr):.5f} {split_loss(Xdev, Ydev):.5f}")
g = torch.Generator().manual_seed(2147483647 + 10)
for _ in range(5):
    out, context = [], [0] * block_size
    while True:
        h = torch.tanh(bngain * (C[torch.tensor([context])].view(1, -1) @ W1 - bnmean) / bnstd + bnbias)
        ix = torch.multinomial(F.softmax(h @ W2 + b2, dim=1), num_samples=1, generator=g).item()
        context = context[1:] + [ix]
        if ix == 0 or len(out) > 20:
            break
        out.append(itos[ix])
    print("".join(out))
