// Draws a chart from the table below it: the table is the data, so that both always agree.
// Without this file the table stands open and nothing is missing.
"use strict";

(() => {
  const INK = "#465364";
  const number = (cell) => (cell.dataset.value ? Number(cell.dataset.value) : null);

  const draw = (box) => {
    const table = document.getElementById(box.dataset.chart);
    if (!table || typeof echarts === "undefined") return;
    const [bar, line] = [Number(box.dataset.bar), Number(box.dataset.line)];
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const shares = rows.map((row) => {
      const share = number(row.cells[line]);
      return share === null ? null : Math.round(share * 1000) / 10;
    });
    box.hidden = false;
    const wall = document.documentElement.classList.contains("hy-wall");
    const isWide = () => box.clientWidth >= 500;
    const size = wall && isWide() ? 16 : 13;
    const months = rows.map((row) => row.cells[0].textContent.trim());
    const yearOf = (month) => (month.match(/\d{4}/) || [""])[0];
    // The year stands at the first month that is named, and where it changes.
    const named = (month, at, step) =>
      at < step || yearOf(months[at - step]) !== yearOf(month)
        ? month.replace(/年|(?<=[A-Za-z]) /, "$&\n")
        : month.replace(/\d{4}年?/, "").trim();
    // What depends on the width: a phone names every third month and writes no number into a bar.
    const sized = () => {
      const step = isWide() ? 1 : 3;
      return {
        xAxis: { axisLabel: { interval: step - 1, formatter: (month, at) => named(month, at, step) } },
        yAxis: [{}, { name: isWide() ? heads[line] : "" }],
        series: [{ label: { show: isWide() } }],
      };
    };
    const lowest = Math.min(50, ...shares.filter((share) => share !== null));
    const chart = echarts.init(box, null, { renderer: "svg" });
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: size, color: INK },
      grid: { left: 4, right: 4, top: size * 2.8, bottom: 4, containLabel: true },
      xAxis: {
        type: "category",
        data: months,
        axisTick: { show: false },
        axisLine: { lineStyle: { color: "#8390a2" } },
        axisLabel: { fontSize: size, lineHeight: size + 3, color: INK },
      },
      yAxis: [
        {
          type: "value",
          name: box.dataset.unit,
          minInterval: 1,
          nameTextStyle: { fontSize: size, color: INK },
          splitLine: { lineStyle: { color: "#e6eaf0" } },
          axisLabel: { fontSize: size, color: INK },
        },
        {
          type: "value",
          min: Math.floor(lowest / 10) * 10,
          max: 100,
          nameTextStyle: { align: "right", fontSize: size, color: INK },
          axisLabel: { formatter: "{value}%", fontSize: size, color: INK },
          splitLine: { show: false },
        },
      ],
      series: [
        {
          name: heads[bar],
          type: "bar",
          data: rows.map((row) => number(row.cells[bar])),
          itemStyle: { color: "#a9c1de" },
          barMaxWidth: 34,
          label: { position: "insideBottom", fontSize: size, color: "#1b2430" },
        },
        {
          name: heads[line],
          type: "line",
          yAxisIndex: 1,
          data: shares,
          symbol: "circle",
          symbolSize: 7,
          lineStyle: { width: 2.5, color: "#174682" },
          itemStyle: { color: "#174682" },
        },
      ],
    });
    chart.setOption(sized());
    // Paper is narrower than the screen: the style sheet for printing scales the drawing as a whole.
    const fit = () => {
      const drawing = box.querySelector("svg");
      drawing?.setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
    };
    fit();
    addEventListener("resize", () => {
      if (matchMedia("print").matches) return;
      chart.resize();
      chart.setOption(sized());
      fit();
    });
    // The months are drawn: their table waits behind a line. On paper it stands open.
    const details = box.parentElement.querySelector("[data-chart-table]");
    if (details) {
      details.open = false;
      addEventListener("beforeprint", () => (details.open = true));
      addEventListener("afterprint", () => (details.open = false));
    }
  };

  document.querySelectorAll("[data-chart]").forEach(draw);
})();
