"""The SVHN protocol's fits of 1,000 labels: our solver against a loop over LinearSVC, at the same gap."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DUAL = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3)  # LinearSVC's tolerances, from loose to tight


def draws(folder: Path, each: int, gap: float) -> dict[str, Any]:
    """The SVHN protocol: `each` draws of 1,000 labels at the release's values of C, ten times as many at the best one.

    Ours, which takes a draw's values as one path, against a loop over LinearSVC at its loosest tolerance of that gap.
    """
    from gan_probe import l2svm

    warnings.simplefilter("ignore")
    X, y = np.load(folder / "train.npy"), np.load(folder / "train-labels.npy")
    test, truth = np.load(folder / "test.npy"), np.load(folder / "test-labels.npy")
    grid = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2)
    rng = np.random.default_rng(0)
    loosest = dict.fromkeys(grid, 0)  # where to begin to look for a tolerance
    rows: list[dict[str, Any]] = []

    def one(values: tuple[float, ...]) -> None:
        chosen = np.sort(np.concatenate([rng.choice(np.flatnonzero(y == k), 100, replace=False) for k in np.unique(y)]))
        picked, labels = X[chosen], y[chosen]
        signs = np.where(labels[:, None] == np.unique(y), 1.0, -1.0)

        def objective(coef: np.ndarray, b: np.ndarray, C: float) -> np.ndarray:
            slack = np.maximum(0, 1 - signs * (picked @ coef.T.astype(np.float64) + b))
            found: np.ndarray = 0.5 * ((coef.astype(np.float64) ** 2).sum(1) + b**2) + C * (slack**2).sum(0)
            return found

        started = time.perf_counter()
        ours = list(l2svm.fit_path(X, y, values, chosen=chosen, gap=gap))
        took = (time.perf_counter() - started) / len(values)
        for svm, best in zip(ours, l2svm.fit_path(X, y, values, chosen=chosen, gap=1e-8), strict=True):
            least = objective(best.coef, best.intercept, svm.C) * (1 - best.gap)
            model, seconds, loosest[svm.C] = linear_svc(
                picked, labels, svm.C, loosest[svm.C], lambda m, C=svm.C, least=least: worst(m, C, least, objective)
            )
            rows.append({"C": svm.C, "ours": took, "LinearSVC": seconds, "gap": worst(svm, svm.C, least, objective)})
            for name, found in (("ours", svm), ("LinearSVC", model)):
                coef, intercept = weights(found)
                rows[-1][f"{name} error"] = float(((test @ coef.T + intercept).argmax(1) != truth).mean())

    def mean(key: str, C: float | None = None) -> float:
        return float(np.mean([row[key] for row in rows if C in (None, row["C"])]))

    for _ in range(each):
        one(grid)
    for _ in range(10 * each):
        one((min(grid, key=lambda C: mean("ours error", C)),))
    total = {name: sum(row[name] for row in rows) for name in ("ours", "LinearSVC")}
    told = {
        "fits": len(rows),
        "ratio": round(total["LinearSVC"] / total["ours"], 1),
        "seconds_each": round(mean("ours"), 3),
        "gap": max(row["gap"] for row in rows),
        "best_C": rows[-1]["C"],
        "errors": {name: round(mean(f"{name} error", rows[-1]["C"]), 4) for name in total},
    }
    print(f"{len(rows)} fits of 1,000 x {X.shape[1]:,}, in seconds: {total}; {told}", flush=True)
    return told


def weights(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (K, F) and intercepts (K,) of either solver's model."""
    return (model.coef_, model.intercept_) if hasattr(model, "coef_") else (model.coef, model.intercept)


def worst(model: Any, C: float, least: np.ndarray, objective: Callable[..., np.ndarray]) -> float:
    """The largest of the classes' gaps."""
    return float((objective(*weights(model), C) / least - 1).max())


def linear_svc(
    X: np.ndarray, y: np.ndarray, C: float, begin: int, gap_of: Callable[[Any], float], gap: float = 1e-4
) -> tuple[Any, float, int]:
    """LinearSVC at the loosest tolerance that reaches the gap, that fit's seconds, and where to begin next time."""
    from sklearn.svm import LinearSVC

    for i in range(begin, len(DUAL)):
        started = time.perf_counter()
        model = LinearSVC(C=C, dual=True, tol=DUAL[i], max_iter=100_000, random_state=0).fit(X, y)
        seconds = time.perf_counter() - started
        if gap_of(model) <= gap:
            break
    return model, seconds, max(0, i - 1)
