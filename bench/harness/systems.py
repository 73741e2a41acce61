"""Every system that is compared: what it is called, how it is started, what it needs."""

from dataclasses import dataclass

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "CANDLE_NUM_THREADS")


@dataclass(frozen=True)
class System:
    label: str
    kind: str  # furlough, python or rust
    program: str = ""
    flags: tuple = ()
    precision: str = "f32"
    same_job: bool = True  # if not, its loss is not held against the others'


def python(label, program, *flags, **rest):
    return System(label, "python", program, flags, **rest)


SYSTEMS = {
    "furlough": System("Furlough", "furlough"),
    "furlough-bf16": System("Furlough, bf16", "furlough", flags=("--precision", "bf16"), precision="bf16"),
    "furlough-shared-64": System("Furlough, masks shared by 64", "furlough", flags=("--dropout-sharing", "64"), same_job=False),
    "furlough-shared": System("Furlough, one mask a batch", "furlough", flags=("--dropout-sharing", "batch"), same_job=False),
    "jax": python("JAX", "jax_tuned"),
    "jax-bf16": python("JAX, bf16", "jax_tuned", "--precision", "bf16", precision="bf16"),
    "pytorch": python("PyTorch, tuned, nn.Dropout", "pytorch_tuned"),
    "pytorch-hand": python("PyTorch, tuned, masks by hand", "pytorch_tuned", "--masks", "words"),
    "pytorch-compile": python("PyTorch, compiled", "pytorch_tuned", "--compile"),
    "pytorch-bf16": python("PyTorch, tuned, bf16", "pytorch_tuned", "--precision", "medium", "--masks", "words", precision="bf16"),
    "pytorch-compile-bf16": python("PyTorch, compiled, bf16", "pytorch_tuned", "--compile", "--precision", "medium", precision="bf16"),
    "pytorch-tutorial": python("PyTorch as in the tutorial", "pytorch_tutorial"),
    "jax-gpu": python("JAX on the GPU", "jax_tuned", "--device", "cuda"),
    "pytorch-gpu": python("PyTorch on the GPU, nn.Dropout", "pytorch_tuned", "--device", "cuda"),
    "pytorch-gpu-graph": python("PyTorch on the GPU, a CUDA graph a step", "pytorch_tuned", "--device", "cuda", "--graph"),
    "keras-jax": python("Keras on JAX", "keras_fit", "--backend", "jax"),
    "keras-tensorflow": python("Keras on TensorFlow", "keras_fit", "--backend", "tensorflow", "--no-jit"),
    "sklearn": python("scikit-learn (no dropout)", "sklearn_mlp", same_job=False),
    "burn": System("Burn", "rust", "burn-peer"),
    "candle": System("Candle", "rust", "candle-peer"),
    "tch": System("tch", "rust", "tch-peer"),
}


def start(key, paths):
    """The words that a system's training begins with, before the job's own flags. `paths` says where the programs are."""
    system = SYSTEMS[key]
    if system.kind == "furlough":
        return [paths["furlough"], "train", "--json", *system.flags]
    if system.kind == "rust":
        return [paths.get(key) or paths["rust"] / system.program, *system.flags]
    return [paths["python"], paths["peers"] / f"{system.program}.py", *system.flags]
