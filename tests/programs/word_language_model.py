"""A word language model: LSTM, GRU, RNN or transformer encoder, truncated backpropagation, clipping, a learning rate annealed."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.onnx

vocabulary = ["the", "cat", "dog", "sat", "ran", "on", "under", "a", "mat", "tree", "and", "then", "slept", "<eos>"]
generator = torch.Generator().manual_seed(3)
tokens = []
for _ in range(240):
    subject, verb, place, thing = (int(torch.randint(2, (), generator=generator)) for _ in range(4))
    tokens += [0, 1 + subject, 3 + verb, 5 + place, 7, 8 + thing] + ([10, 11, 12] if verb else []) + [13]
ids = torch.tensor(tokens).type(torch.int64)
ntokens = len(vocabulary)


class RNNModel(nn.Module):
    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, dropout=0.2, tie_weights=False):
        super().__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        if rnn_type in ["LSTM", "GRU"]:
            self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers, dropout=dropout)
        else:
            self.rnn = nn.RNN(ninp, nhid, nlayers, nonlinearity=rnn_type[4:].lower(), dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        self.rnn_type, self.nhid, self.nlayers = rnn_type, nhid, nlayers

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        decoded = self.decoder(self.drop(output)).view(-1, self.ntoken)
        return F.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        zeros = weight.new_zeros(self.nlayers, bsz, self.nhid)
        return (zeros, weight.new_zeros(self.nlayers, bsz, self.nhid)) if self.rnn_type == "LSTM" else zeros


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.1, max_len=100):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0).transpose(0, 1))

    def forward(self, x):
        return self.dropout(x + self.pe[: x.size(0), :])


class TransformerModel(nn.Transformer):
    def __init__(self, ntoken, ninp, nhead, nhid, nlayers, dropout=0.2):
        super().__init__(d_model=ninp, nhead=nhead, dim_feedforward=nhid, num_encoder_layers=nlayers)
        self.src_mask = None
        self.pos_encoder = PositionalEncoding(ninp, dropout)
        self.input_emb = nn.Embedding(ntoken, ninp)
        self.ninp = ninp
        self.decoder = nn.Linear(ninp, ntoken)
        nn.init.uniform_(self.input_emb.weight, -0.1, 0.1)

    def forward(self, src):
        if self.src_mask is None or self.src_mask.size(0) != len(src):
            self.src_mask = torch.log(torch.tril(torch.ones(len(src), len(src))))
        src = self.pos_encoder(self.input_emb(src) * math.sqrt(self.ninp))
        output = self.decoder(self.encoder(src, mask=self.src_mask))
        return F.log_softmax(output, dim=-1)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


def repackage_hidden(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


bptt = 12
train_data, val_data = batchify(ids[:1600], 8), batchify(ids[1600:], 4)


def get_batch(source, i):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].view(-1)


def evaluate(model, source, kind):
    model.eval()
    total = 0.0
    hidden = None if kind == "Transformer" else model.init_hidden(source.size(1))
    with torch.no_grad():
        for i in range(0, source.size(0) - 1, bptt):
            data, targets = get_batch(source, i)
            if kind == "Transformer":
                output = model(data).view(-1, ntokens)
            else:
                output, hidden = model(data, hidden)
                hidden = repackage_hidden(hidden)
            total += len(data) * criterion(output, targets).item()
    return total / (len(source) - 1)


criterion = nn.NLLLoss()
for kind in ["LSTM", "GRU", "RNN_TANH", "Transformer"]:
    torch.manual_seed(1111)
    if kind == "Transformer":
        model = TransformerModel(ntokens, 16, 2, 24, 2)
    else:
        model = RNNModel(kind, ntokens, 16, 16, 2, tie_weights=True)
    lr, best = 5.0 if kind != "Transformer" else 0.5, None
    for epoch in range(2):
        model.train()
        total_loss = 0.0
        hidden = None if kind == "Transformer" else model.init_hidden(8)
        for i in range(0, train_data.size(0) - 1, bptt):
            data, targets = get_batch(train_data, i)
            model.zero_grad()
            if kind == "Transformer":
                output = model(data).view(-1, ntokens)
            else:
                hidden = repackage_hidden(hidden)
                output, hidden = model(data, hidden)
            loss = criterion(output, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                if p.grad is not None:
                    p.data.add_(p.grad, alpha=-lr)
            total_loss += loss.item()
        val_loss = evaluate(model, val_data, kind)
        print(
            f"{kind} epoch {epoch} lr {lr:.2f} train {total_loss:.4f} valid loss {val_loss:.4f} ppl {math.exp(val_loss):.3f}"
        )
        if best is None or val_loss < best:
            best = val_loss
        else:
            lr /= 4.0
    if hasattr(getattr(model, "rnn", None), "flatten_parameters"):
        model.rnn.flatten_parameters()
        hidden = model.init_hidden(1)
        input = torch.tensor([[0]])
        words = []
        with torch.no_grad():
            for _ in range(12):
                output, hidden = model(input, hidden)
                word_idx = torch.multinomial(output.squeeze().div(1.0).exp().cpu(), 1)[0]
                input.fill_(word_idx)
                words.append(vocabulary[word_idx])
        print(" ".join(words))
