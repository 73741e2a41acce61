from . import masks as masks
from . import nn as nn
from ._estimators import FurloughClassifier as FurloughClassifier
from ._estimators import FurloughRegressor as FurloughRegressor
from ._estimators import load as load
from ._warnings import UnseenDataWarning as UnseenDataWarning

__version__: str
