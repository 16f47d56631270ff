"""Two linear tasks on sliders: when does a source help?"""

import streamlit as st

from taskviz.ui import discrepancy_panel, frame, laboratory, laboratory_views

frame.title("laboratory")
with st.expander("What am I looking at?", icon=":material/help:"):
    st.markdown(
        r"""
Two linear regressions, a source $s$ and a target $t$: $y = x^\top\beta + \varepsilon$ with
$p$ features and noise of variance $\sigma^2$. **Pooling** fits one vector to both by least squares;
**excess risk** is how far it predicts off the target's truth,
$\mathbb{E}\,\|\hat\beta - \beta_t\|^2$. With $N = n_s + n_t$:

- *Target alone*: $\sigma^2\, p/(n_t - p)$.
- *Model shift* ($\|\beta_s - \beta_t\|^2 = 2\mu^2$):
  $2\mu^2\,\dfrac{n_s^2 (N-p) + p\, n_s n_t}{N^2 (N-p)} + \dfrac{\sigma^2 p}{N-p}$: bias by the
  source, and noise that more samples average away.
- *Covariate shift* (half of the singular values of $\Sigma_s^{1/2}$ are $\lambda$, half
  $1/\lambda$): $\dfrac{\sigma^2}{N}\sum_i \dfrac{1}{\lambda_i^2 a_1 + a_2}$, where
  $a_1 + a_2 = 1 - p/N$ and
  $a_1 + \frac{1}{N}\sum_i \frac{\lambda_i^2 a_1}{\lambda_i^2 a_1 + a_2} = \frac{n_s}{N}$.
- *Both at once*: our own derivation, held against simulation in the tests.
- *Capacity*: both tasks through one shared linear layer of width $r$.

The formulas are limits for many features. Each point is simulated: data drawn, fitted, scored.
Sources: Zhang, *Towards a Foundation of Multitask Learning*, figures 3 and 4; Yang et al. (2020);
Wu, Zhang, Ré (2020).
"""
    )


def bench() -> None:
    """Sliders left, answers right; a move runs this alone."""
    side, main = st.columns([2, 6], gap="large")
    with side:
        setting, preset = laboratory.choose()
    with main:
        views = ["Pooling", "Capacity", "Separate data sets"]
        tabs = st.tabs(views, on_change="rerun", key="lab_tab", bind="query-params")
        if tabs[0].open:
            with tabs[0]:
                laboratory_views.pooling(setting, preset, dark=frame.dark())
        if tabs[1].open:
            with tabs[1]:
                laboratory_views.capacity(setting, dark=frame.dark())
        if tabs[2].open:
            with tabs[2]:
                discrepancy_panel.draw(dark=frame.dark())


st.session_state[laboratory.WHOLE_PAGE] = True
st.fragment(bench)()
st.session_state[laboratory.WHOLE_PAGE] = False
frame.next_step("See how your own tasks help each other", "affinity", ready=True)
