"""A transformer that reverses sequences: nn.Transformer with masks and padding, label smoothing, a warm-up, greedy decoding."""

import math

import torch
import torch.nn as nn

torch.manual_seed(0)
PAD, BOS, EOS, V = 0, 1, 2, 12


class Seq2Seq(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.d = d
        self.src = nn.Embedding(V, d, padding_idx=PAD)
        self.tgt = nn.Embedding(V, d, padding_idx=PAD)
        pe = torch.zeros(1, 16, d)
        pos = torch.arange(16).unsqueeze(1)
        div = torch.exp(torch.arange(0, d, 2) * (-math.log(1e4) / d))
        pe[0, :, 0::2], pe[0, :, 1::2] = torch.sin(pos * div), torch.cos(pos * div)
        self.register_buffer("pe", pe)
        self.transformer = nn.Transformer(d, 4, 1, 1, 48, dropout=0.1, batch_first=True)
        self.generator = nn.Linear(d, V)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def encode(self, src, mask):
        return self.transformer.encoder(
            self.src(src) * math.sqrt(self.d) + self.pe[:, : src.size(1)], src_key_padding_mask=mask
        )

    def decode(self, tgt, memory, mask):
        causal = nn.Transformer.generate_square_subsequent_mask(tgt.size(1))
        x = self.tgt(tgt) * math.sqrt(self.d) + self.pe[:, : tgt.size(1)]
        return self.generator(self.transformer.decoder(x, memory, tgt_mask=causal, memory_key_padding_mask=mask))

    def forward(self, src, tgt):
        mask = src == PAD
        return self.decode(tgt, self.encode(src, mask), mask)


def batch(n=16):
    lengths = torch.randint(3, 7, (n,))
    sources = [torch.randint(3, V, (int(length),)) for length in lengths]
    targets = [torch.cat([torch.tensor([BOS]), s.flip(0), torch.tensor([EOS])]) for s in sources]
    pad = nn.utils.rnn.pad_sequence
    return pad(sources, batch_first=True, padding_value=PAD), pad(targets, batch_first=True, padding_value=PAD)


model = Seq2Seq()
print(sum(p.numel() for p in model.parameters()))
criterion = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=0.1)
optimizer = torch.optim.Adam(model.parameters(), lr=1.0, betas=(0.9, 0.98), eps=1e-9)
schedule = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda s: 32**-0.5 * min((s + 1) ** -0.5, (s + 1) * 20**-1.5) * 0.2
)
for step in range(30):
    src, tgt = batch()
    logits = model(src, tgt[:, :-1])
    loss = criterion(logits.reshape(-1, V), tgt[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step % 6 == 0:
        print(f"{step} {loss.item():.5f} {norm.item():.5f} {schedule.get_last_lr()[0]:.6f}")
model.eval()
with torch.no_grad():
    src, tgt = batch(4)
    print(f"{criterion(model(src, tgt[:, :-1]).transpose(1, 2), tgt[:, 1:]).item():.5f}")
    mask = src == PAD
    memory = model.encode(src, mask)
    ys = torch.full((4, 1), BOS)
    for _ in range(6):
        ys = torch.cat([ys, model.decode(ys, memory, mask)[:, -1].argmax(-1, keepdim=True)], 1)
    print(ys.tolist())
attention = nn.MultiheadAttention(16, 4, batch_first=True)
out, weights = attention(torch.ones(2, 3, 16), torch.randn(2, 5, 16), torch.randn(2, 5, 16), average_attn_weights=False)
print(out.sum(), weights.shape, weights[0, 0, 0])
