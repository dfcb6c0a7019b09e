"""The formulas that chapters name, for readers of Markdown; ``formulas.typ`` has the same names."""

from __future__ import annotations

FORMULAS = {
    "error": r"e = T(x_1, \dots, x_n) - T(x_1, \dots, x_N) .",
    "error-population": r"e = T(x_1, \dots, x_n) - \theta .",
    "measures": (
        r"\text{bias} = \mathrm{E}\,e, \quad \text{variance} = \mathrm{E}(e - \mathrm{E}\,e)^2, "
        r"\quad \text{MSE} = \mathrm{E}\,e^2, \quad \text{RMSE} = \sqrt{\text{MSE}} ."
    ),
    "sums": (r"A_r = \frac1k \sum_{b=1}^k e_{rb}, \quad Q_r = \frac1k \sum_{b=1}^k e_{rb}^2 ."),
    "standard-errors": r"""\begin{aligned}
\widehat{\text{bias}} &= \bar A, & \text{MCSE} &= s(A)/\sqrt R ; \\
\widehat{\text{MSE}} &= \bar Q, & \text{MCSE} &= s(Q)/\sqrt R ; \\
\widehat{\text{variance}} &= \bar Q - \bar A^2 + s(A)^2/R, \quad & \text{MCSE} &= s(Q - 2 \bar A A)/\sqrt R ; \\
\widehat{\text{RMSE}} &= \sqrt{\widehat{\text{MSE}}}, & \text{MCSE} &= \text{MCSE}(\widehat{\text{MSE}}) / (2\,\widehat{\text{RMSE}}) .
\end{aligned}""",  # noqa: E501  # a line of the formula is a line
    "normalized": (
        r"\hat x = \frac{x - \bar x}{\sqrt{v + \varepsilon}}, \quad z = \frac{x - M}{S} ."
    ),
    "identity": (r"\mathrm{E}(\hat x - z)^2 = 1 + \mathrm{P}(s > 0) - 2\,\mathrm{E}(s) / S ."),
    "first-order": (
        r"\mathrm{E}(\hat x - z)^2 \approx \frac1n + \frac{g_2 + 2}{4n} = \frac{g_2 + 6}{4n} ."
    ),
    "affine": (
        r"\mathrm{E}(\gamma \hat x + \beta - z)^2 = \gamma^2 P + \beta^2 + 1 - 2 \gamma C, \quad "
        r"P = \mathrm{E}\frac{v}{v + \varepsilon}, \quad "
        r"C = \frac1S\,\mathrm{E}\frac{v}{\sqrt{v + \varepsilon}} ."
    ),
    "beta-law": (
        r"\hat x^2 / (n - 1) \sim \text{Beta}\left(\tfrac12, \tfrac{n - 2}{2}\right), \quad "
        r"\lvert\hat x\rvert \le \sqrt{n - 1} ."
    ),
    "parabola": (
        r"\mathrm{E}\left((\hat x - z)^2 \mid z\right) \approx "
        r"\frac1n \left(1 + g_1 z + \frac{(g_2 + 2)\,z^2}{4}\right) ."
    ),
    "running": (
        r"r_t = m\,r_{t-1} + (1 - m)\,b_t, \quad r_0 = 0 \text{ for means,} \quad "
        r"r_0 = 1 \text{ for variances} ."
    ),
    "running-split": (
        r"r_T - \theta = \underbrace{m^T (r_0 - \theta)}_{\text{start}} + "
        r"\underbrace{(1 - m^T)(\mathrm{E}\,b - \theta)}_{\text{divisor}} + "
        r"\underbrace{\text{lag}}_{\text{drift}} + \text{noise}, \quad "
        r"\mathrm{Var} \approx \frac{1 - m}{1 + m}\,\mathrm{Var}(b) ."
    ),
    "inference": (
        r"\text{mean}_x \left( \frac{x - r^{\text{mean}}}{\sqrt{r^{\text{var}} + \varepsilon}} "
        r"- z \right)^2 = \left( \frac{S}{\sqrt{r^{\text{var}} + \varepsilon}} - 1 \right)^2 + "
        r"\left( \frac{M - r^{\text{mean}}}{\sqrt{r^{\text{var}} + \varepsilon}} \right)^2 ."
    ),
    "shift-activations": (
        r"\text{moments} = \frac{\sqrt{(m' - m)^2 + (s' - s)^2}}{s}, \quad "
        r"\text{KS} = \max_x \lvert F'(x) - F(x) \rvert, \quad "
        r"W = \frac1s \int \lvert F'(x) - F(x) \rvert \, dx ."
    ),
    "shift-gradient": r"""\begin{aligned}
G &= \nabla_{W_l} L(W_1^t, \dots, W_k^t; B), \quad G' = \nabla_{W_l} L(W_1^{t+1}, \dots, W_{l-1}^{t+1}, W_l^t, \dots, W_k^t; B), \\
\text{shift} &= \lVert G' - G \rVert / \lVert G \rVert, \quad \text{cosine} = \langle G, G' \rangle / (\lVert G \rVert\,\lVert G' \rVert) .
\end{aligned}""",  # noqa: E501  # a line of the formula is a line
    "shift-batch": (
        r"\text{shift} = \sqrt{\text{mean}_x \left( \hat x_{\text{batch}} - "
        r"\hat x_{\text{all}} \right)^2} ."
    ),
    "shift-ratio": (
        r"\hat\rho = \exp\left( \frac1R \sum_{r=1}^R \log "
        r"\frac{D_r^{\text{one}}}{D_r^{\text{other}}} \right) ."
    ),
    "corrected-t": (
        r"d \pm t_{J-1}\,s \sqrt{\frac1J + \frac{n_{\text{test}}}{n_{\text{train}}}} ."
    ),
}
