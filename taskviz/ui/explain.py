"""What am I looking at: one short text a page, with its formula and source, closed by default."""

from dataclasses import dataclass

import streamlit as st

from taskviz.ui import examples, glossary


@dataclass(frozen=True)
class Explanation:
    """One page's text.

    Args:
        words: Markdown of a few sentences.
        formulas: LaTeX, one a line.
        source: paper and equation.
    """

    words: str
    formulas: tuple[str, ...] = ()
    source: str = ""


SCA = "Thakur et al., *Efficient Task Grouping Through Sample-wise Optimisation Landscape Analysis*"
TALK = "Zhang, *Towards a Foundation of Multitask Learning*"

TEXTS = {
    "collection": Explanation(
        "A **collection** is a set of tasks: every row has inputs and a target for each task (a "
        "*joint* collection), or each task has rows of its own (*separate*). A missing label is "
        "left out of every loss and metric. Rows are split once, by a seed: training rows teach, "
        "validation rows choose, test rows are looked at for the final figure alone."
    ),
    "affinity": Explanation(
        "Row *s*, column *t*: how much learning *s* beside *t* helps *t*; **higher helps more**, "
        "whatever the estimator. Most estimators train little or nothing and are therefore "
        "guesses. SCA compares one gradient step of each task on the same sample, over the shared "
        "parameters θ only; the step size cancels.",
        (
            r"a_{st} = \frac1n \sum_i \lVert \theta_i^s - \theta_i^t \rVert_1, \qquad "
            r"\theta_i^t = \theta_0 - \eta \nabla_\theta \ell_t(x_i)",
            r"A_{st} = 1 - a_{st} / \max_u a_{su}",
        ),
        f"{SCA}, eq. 5, 16 and 17. Every other estimator names its source beside its options.",
    ),
    "groups": Explanation(
        "You can afford *b* models at inference. Each task is **served** by one group that holds "
        "it, and a plan is good where the predicted losses of the served tasks are small in sum. "
        "Clustering methods maximise the affinity inside the groups instead.",
        (
            r"\min_{S_1 \dots S_k,\; k \le b}\; \sum_t \min_{S \ni t} \hat L_t(S)",
            r"\max \sum_c \frac{1}{|C_c|} \sum_{s,t \in C_c} A_{st}",
        ),
        f"Standley et al. 2020 (selection); {TALK} (clustering); {SCA}, eq. 18 to 21 (GAT + GMM).",
    ),
    "training": Explanation(
        "One network a group: a shared trunk θ, a head φ for each task. What counts is not the "
        "group's own loss but the **difference** from the same tasks trained all together, each "
        "alone, and in random groups at the same budget. Stopping and serving are decided on "
        "validation rows, the figures shown are of test rows.",
        (r"\text{gain of } t \text{ in } S = \bigl(L_t(\{t\}) - L_t(S)\bigr) / L_t(\{t\})",),
        f"{TALK}; negative where learning together hurts (negative transfer).",
    ),
    "evidence": Explanation(
        "Groups are chosen by an estimate, so the estimate itself is on trial here. The **captured "
        "share** says how much of what the best plan would gain the chosen plan does gain; 0 is as "
        "good as random groups, below 0 worse.",
        (
            r"\text{captured share} = \frac{L_{\text{random}} - L_{\text{achieved}}}"
            r"{L_{\text{random}} - L_{\text{oracle}}}",
        ),
        "Plans are chosen on validation losses and scored on test losses, on other seeds where "
        "there are several.",
    ),
    "optima": Explanation(
        "Every mark is an **optimum**: the shared parameters after one gradient step of one task "
        "on one sample. Marks of two tasks that lie in each other's midst would be reached by the "
        "same parameters; tasks whose marks stand apart pull elsewhere. The distance is L1 over "
        "all shared parameters. A map squeezes thousands of dimensions into two, so read its "
        "quality first: **trustworthiness** 1 means that neighbours on the map are neighbours in "
        "truth. In t-SNE and UMAP neither the size of a cluster nor the gap between two means "
        "anything.",
        (r"\theta_i^t = \theta_0 - \eta \nabla_\theta \ell_t(f_\theta(x_i), y_i^t)",),
        f"{SCA}, eq. 5 and figure 3a; Venna & Kaski 2001 (trustworthiness).",
    ),
    "landscape": Explanation(
        "**ψ** says how far apart the tasks' optima of one sample are, **Ψ** how far apart the "
        "samples' shared optima are, and **H** how sharply a loss bends. The theorems turn them "
        "into bounds on the loss J of joint training, assuming that one step reaches zero loss. "
        "Compare each bound with the loss beside it before you believe it.",
        (
            r"\psi_i = \frac{\sqrt{H}}{T^2} \sum_{s,t} \lVert \theta_i^s - \theta_i^t \rVert_1, "
            r"\qquad \Psi = \frac{\sqrt{H}}{n^2} \sum_{i,j} \lVert \theta_i - \theta_j \rVert_1",
            r"J \le \frac{T^3}{n} \sum_i \psi_i^2, \qquad J \le n^3 \Psi^2",
        ),
        f"{SCA}, eq. 7 and 12 to 15; sections 6.3 (over a training) and 6.4 (sample size).",
    ),
    "laboratory": Explanation(
        "Two linear regressions of *p* features, a source *s* and a target *t*, where everything "
        "can be calculated. **Pooling** fits one vector to both by least squares; **excess risk** "
        "is how far it predicts off the target's truth. The source's rows lower the variance of "
        "the fit and add a bias where the two models differ: transfer is **positive** while the "
        "first wins. Below: the target alone; model shift μ; covariate shift λ (half of the "
        "singular values of Σ_s^½ are λ, half 1/λ) with its two equations. The formulas are limits "
        "for many features; where both shifts meet, the formula is our own. Points are simulated: "
        "data drawn, fitted, scored.",
        (
            r"\text{alone} = \frac{\sigma^2 p}{n_t - p}, \qquad N = n_s + n_t",
            r"\text{model shift} \approx 2\mu^2\, \frac{n_s^2 (N-p) + p\, n_s n_t}{N^2 (N-p)} + "
            r"\frac{\sigma^2 p}{N-p}, \qquad \lVert \beta_s - \beta_t \rVert^2 = 2\mu^2",
            r"\text{covariate shift} \approx \frac{\sigma^2}{N} \sum_i "
            r"\frac{1}{\lambda_i^2 a_1 + a_2}",
            r"a_1 + a_2 = 1 - \frac pN, \qquad a_1 + \frac1N \sum_i "
            r"\frac{\lambda_i^2 a_1}{\lambda_i^2 a_1 + a_2} = \frac{n_s}{N}",
        ),
        f"{TALK}, figures 3 and 4; Yang et al. (2020); for the shared layer Wu, Zhang, Ré (2020).",
    ),
    "report": Explanation(
        "One file with the answer, the evidence behind it, its doubts, every setting, and the "
        "command that repeats it. It opens offline and loads nothing from anywhere."
    ),
    "jobs": Explanation(
        "Everything that takes long is a **job**: a process of its own that goes on while you "
        "browse, close the tab or restart the app. Finished parts are kept, so *Resume* repeats "
        "none of them. A job without a sign of life is shown as interrupted."
    ),
}
"""Page → its text."""


def explain(page: str) -> None:
    """The folded text of a page; nothing where there is none."""
    text = TEXTS.get(page)
    if text is None:
        return
    with st.expander("What am I looking at?", icon=":material/help:"):
        st.markdown(text.words)
        for formula in text.formulas:
            st.latex(formula)
        if text.source:
            st.caption(f"Source: {text.source}")
        if page == "groups":
            examples.draw()
        glossary.terms(page)
