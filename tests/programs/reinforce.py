"""Policies on a toy cart: REINFORCE and actor-critic with Categorical, discounted returns standardised."""

from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

SavedAction = namedtuple("SavedAction", ["log_prob", "value"])
eps = np.finfo(np.float32).eps.item()


class Cart:
    """A pole on a cart, by Euler's method."""

    def reset(self, rng):
        self.s, self.t = rng.uniform(-0.05, 0.05, 4), 0
        return self.s.astype(np.float32)

    def step(self, action):
        x, xd, th, thd = self.s
        force = 10.0 if action else -10.0
        cos, sin = np.cos(th), np.sin(th)
        temp = (force + 0.05 * thd**2 * sin) / 1.1
        tha = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        xa = temp - 0.05 * tha * cos / 1.1
        self.s = np.array([x + 0.02 * xd, xd + 0.02 * xa, th + 0.02 * thd, thd + 0.02 * tha])
        self.t += 1
        return self.s.astype(np.float32), 1.0, bool(abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.21 or self.t >= 60)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 32)
        self.dropout = nn.Dropout(p=0.6)
        self.action_head = nn.Linear(32, 2)
        self.value_head = nn.Linear(32, 1)
        self.saved_actions, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def run(actor_critic):
    torch.manual_seed(543)
    rng = np.random.default_rng(543)
    env, model = Cart(), Policy()
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    running_reward = 10
    for i_episode in range(1, 7):
        state, ep_reward = env.reset(rng), 0
        while True:
            probs, value = model(torch.from_numpy(state).float())
            m = Categorical(probs)
            action = m.sample()
            model.saved_actions.append(SavedAction(m.log_prob(action), value))
            state, reward, done = env.step(action.item())
            model.rewards.append(reward)
            ep_reward += reward
            if done:
                break
        running_reward = 0.05 * ep_reward + 0.95 * running_reward
        R, returns = 0, deque()
        for r in model.rewards[::-1]:
            R = r + 0.99 * R
            returns.appendleft(R)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + eps)
        policy_losses, value_losses = [], []
        for (log_prob, value), R in zip(model.saved_actions, returns):
            advantage = R - value.item() if actor_critic else R
            policy_losses.append(-log_prob * advantage)
            value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
        optimizer.zero_grad()
        loss = torch.stack(policy_losses).sum()
        if actor_critic:
            loss = loss + torch.stack(value_losses).sum()
        loss.backward()
        optimizer.step()
        del model.rewards[:]
        del model.saved_actions[:]
        print(
            f"{actor_critic} {i_episode} reward {ep_reward:.0f} average {running_reward:.3f} loss {loss.item():.5f} {m.entropy().item():.5f}"
        )


run(False)
run(True)
