//! The long help texts.

pub(super) const ABOUT: &str = "Train networks with dropout: fast, on the CPU, and with the same bits every time.

Dropout switches off a random part of a network's units at every training step, so that no unit can rely on any other \
one being there. It is training's business only: predictions use the whole network.";

pub(super) const AFTER: &str = "Start here:
  furlough train                    the tutorial's job, on Fashion-MNIST
  furlough train --data digits      the same on data that needs no download
  furlough train houses.csv --target price    on a table of your own
  furlough evaluate runs/digits-1   how good the result is, class by class

Exit codes:
  0    done
  1    an error, told after the word 'error:'
  2    the command line makes no sense
  3    a study is done, but some of its trials failed and would again
  130  stopped by Ctrl-C, SIGTERM, a closed pipe or terminal; training was saved first";

pub(super) const COMPLETIONS_HELP: &str = "Examples:
  furlough completions bash > ~/.local/share/bash-completion/completions/furlough
  furlough completions zsh > ~/.zfunc/_furlough
  furlough completions fish > ~/.config/fish/completions/furlough.fish";

pub(super) const TRAIN_ABOUT: &str = "Train a network and keep the run in a folder.

Without a flag this is the tutorial's job: a 784-256-256-10 network with ReLU on Fashion-MNIST, dropout 0.2 after the \
first hidden layer and 0.5 after the second, plain SGD with learning rate 0.5, batches of 256, 10 epochs.

With a FILE it learns from your table: furlough train houses.csv --target price. What the columns are is found out and \
kept in the recipe; numbers are scaled, categories coded and gaps filled, by the training rows alone. A fifth of the \
rows is never seen until the end, a fifth of the others stops the training in time, and network, AdamW and batches \
suit the number of rows.

Dropout 0.5 after a layer means: at each step, for each example, each unit of the layer is switched off with \
probability 0.5, and those kept are doubled so that the next layer sees the same mean. 0 keeps every unit, 1 keeps \
none. Good first tries are 0.5, 0.1 and 0.9; 0.2 is usual for inputs. Train figures are measured with dropout on, test \
figures with the whole network: early on, test accuracy is often the higher one.

With --dropout-sharing N, each N successive examples of a batch share a mask for each layer, and with 'batch' all of \
them. \
What is off for a whole group is not computed, which makes steps of wide networks cheaper; \
docs/guide/shared-masks.md says when that is faster.

Which units are off is a pure function of the seed, the step, the layer, the example and the unit. So the same recipe \
gives the same model, bit for bit, with any number of threads, and a resumed run the same as one never stopped.";

pub(super) const TRAIN_AFTER: &str = "Examples:
  furlough train
  furlough train --data digits --live
  furlough train houses.csv --target price
  furlough train --dropout 0              without dropout, to see what it does
  furlough train --hidden 1024,1024 --dropout 0.5 --input-dropout 0.2 \\
                 --init kaiming --lr 0.01 --momentum 0.95 --max-norm 3
  furlough train --recipe runs/digits-1/recipe.toml --seed 1
  furlough train --resume runs/digits-1   go on where Ctrl-C or a crash stopped it
  furlough train --from runs/digits-1 --epochs 10 --lr 0.01
                                          a new run with the weights of another
  furlough train --finish runs/digits-1   a stopped run is finished as it stands
  furlough train --json | jq 'select(.event == \"epoch\")'
  furlough train --explain                how this machine computes a step

Ctrl-C saves and stops; SIGUSR1 saves and goes on.

Exit codes:
  0 finished, 1 error, 2 command line not understood, 130 stopped after saving";

pub(super) const EVALUATE_AFTER: &str = "How sure is it? With --samples N each example also goes through N networks \
 with units switched off at random, as in \
training. Their averaged probabilities are an answer of their own, beside the full network's; and how they differ says \
how sure it is:
  predictive entropy  of the averaged probabilities, in nats: 0 is certain,
                      ln 10 = 2.30 a guess among ten classes
  mutual information  the part of it that comes from passes contradicting each
                      other; the rest is doubt that each has by itself
  agreement           share of the passes that give the answer of the average

Compare right answers with wrong ones: the less sure the wrong ones are, the more these figures tell. Pass 7 is the \
same whatever N is, and a seed gives the same figures with any number of threads.

Examples:
  furlough evaluate runs/digits-1
  furlough evaluate runs/digits-1 --samples 100
  furlough evaluate runs/houses-1 others.csv
  furlough evaluate runs/digits-1 --json | jq .accuracy
  furlough evaluate runs/digits-1 --json --samples 100 | jq .sampled";
