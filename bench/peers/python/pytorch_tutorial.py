#!/usr/bin/env python3
"""The job as a reader of the tutorial writes it: a Dataset that makes each sample a PIL image and transforms it, DataLoaders with four
worker processes, nn.Dropout, and figures read back after each batch."""

import time

import job
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor


class Images(Dataset):
    """What torchvision.datasets.FashionMNIST does for a sample; that class itself wants folders of its own."""

    def __init__(self, folder, part, transform):
        pixels, labels = job.pixels_and_labels(folder, part)
        self.data = torch.from_numpy(pixels.reshape(-1, 28, 28).copy())
        self.targets = torch.from_numpy(labels.astype("int64"))
        self.transform = transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        image, target = self.data[index], int(self.targets[index])
        return self.transform(Image.fromarray(image.numpy())), target


def network(hidden, dropout):
    layers, inputs = [nn.Flatten()], 784
    for width, p in zip(hidden, dropout):
        layers += [nn.Linear(inputs, width), nn.ReLU()] + ([nn.Dropout(p)] if p > 0 else [])
        inputs = width
    net = nn.Sequential(*layers, nn.Linear(inputs, 10))

    def init_weights(layer):
        if type(layer) is nn.Linear:
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    return net.apply(init_weights)


def accuracy(y_hat, y):
    """How many are right."""
    return float((y_hat.argmax(axis=1).type(y.dtype) == y).type(y.dtype).sum())


def train_epoch(net, train_iter, loss, updater, epoch):
    net.train()
    loss_sum, right, count = 0.0, 0.0, 0
    for step, (x, y) in enumerate(train_iter):
        y_hat = net(x)
        losses = loss(y_hat, y)
        updater.zero_grad()
        losses.mean().backward()
        updater.step()
        loss_sum += float(losses.sum())
        right += accuracy(y_hat, y)
        count += y.numel()
        if epoch == 1 and step == 0:
            job.emit("step", epoch=1, step=1, loss=loss_sum / count)
    return loss_sum / count, right / count


def evaluate_accuracy(net, data_iter):
    net.eval()
    with torch.no_grad():
        counts = [(accuracy(net(x), y), y.numel()) for x, y in data_iter]
    return sum(right for right, _ in counts) / sum(count for _, count in counts)


def main():
    args = job.parse(job.parser())
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train_iter = DataLoader(Images(args.data_dir, "train", ToTensor()), args.batch_size, shuffle=True, num_workers=4)
    test_iter = DataLoader(Images(args.data_dir, "t10k", ToTensor()), args.batch_size, shuffle=False, num_workers=4)
    net = network(args.hidden, args.dropout)
    loss = nn.CrossEntropyLoss(reduction="none")
    trainer = torch.optim.SGD(net.parameters(), lr=args.lr)
    job.emit("start", torch=torch.__version__, network=str(net))
    for epoch in range(1, args.epochs + 1):
        start = time.perf_counter()
        train_loss, train_accuracy = train_epoch(net, train_iter, loss, trainer, epoch)
        test_accuracy = evaluate_accuracy(net, test_iter)  # the tutorial has no test loss
        job.emit("epoch", epoch=epoch, train_loss=train_loss, train_accuracy=train_accuracy, test_loss=None,
                 test_accuracy=test_accuracy, seconds=time.perf_counter() - start)
    job.emit("stop", reason="finished")


if __name__ == "__main__":
    main()
