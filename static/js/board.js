// Draws a chart from the table below it: the table is the data, so that both always agree. And asks
// from time to time whether a board that is looked at has changed, without loading the page anew.
// Without this file the tables stand open, and a board is as old as its page.
"use strict";

(() => {
  const INK = "#465364";
  const number = (cell) => (cell.dataset.value ? Number(cell.dataset.value) : null);

  // What has to be done when the width changes, and around printing: for the charts there are now.
  let drawn = [];

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
    // The months are drawn: their table waits behind a line. On paper it stands open.
    const details = box.parentElement.querySelector("[data-chart-table]");
    if (details) details.open = false;
    const resize = () => {
      chart.resize();
      chart.setOption(sized());
      fit();
    };
    drawn.push({ box, chart, details, resize });
  };

  addEventListener("resize", () => {
    if (!matchMedia("print").matches) drawn.forEach((one) => one.resize());
  });
  for (const [event, open] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => drawn.forEach(({ details }) => details && (details.open = open)));
  }

  // How much each row has of one column, as bars from the top; of a long table its first rows.
  const MOST_BARS = 12;
  const drawBars = (box) => {
    const table = document.getElementById(box.dataset.bars);
    if (!table || typeof echarts === "undefined") return;
    const column = Number(box.dataset.bar);
    const rows = [...table.tBodies[0].rows].slice(0, MOST_BARS);
    const nameOf = (row) => row.cells[0].firstChild.textContent.trim();
    const size = document.documentElement.classList.contains("hy-wall") ? 16 : 13;
    box.hidden = false;
    box.style.setProperty("height", `${(rows.length + 1.5) * size * 2}px`);
    const chart = echarts.init(box, null, { renderer: "svg" });
    const sized = () => ({ yAxis: { axisLabel: { width: Math.round(box.clientWidth * 0.32) } } });
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: size, color: INK },
      grid: { left: 4, right: size * 4, top: 4, bottom: 4, containLabel: true },
      xAxis: { type: "value", minInterval: 1, axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: {
        type: "category",
        inverse: true,
        data: rows.map(nameOf),
        axisTick: { show: false },
        axisLine: { lineStyle: { color: "#8390a2" } },
        axisLabel: { fontSize: size, color: INK, overflow: "truncate" },
      },
      series: [
        {
          name: table.tHead.rows[0].cells[column].textContent.trim(),
          type: "bar",
          data: rows.map((row) => number(row.cells[column])),
          itemStyle: { color: "#a9c1de" },
          barMaxWidth: 20,
          label: { show: true, position: "right", fontSize: size, color: INK },
        },
      ],
    });
    chart.setOption(sized());
    const fit = () => {
      const drawing = box.querySelector("svg");
      drawing?.setAttribute("viewBox", `0 0 ${chart.getWidth()} ${chart.getHeight()}`);
    };
    fit();
    const resize = () => {
      chart.resize();
      chart.setOption(sized());
      fit();
    };
    drawn.push({ box, chart, details: null, resize });
  };

  const drawAll = (root) => {
    root.querySelectorAll("[data-chart]").forEach(draw);
    root.querySelectorAll("[data-bars]").forEach(drawBars);
  };
  drawAll(document);

  // --- renewed while it is looked at ----------------------------------------------------------

  const board = document.querySelector("[data-renew]");
  if (!board) return;
  const every = Number(board.dataset.renew) * 1000;
  let etag = "";
  let asked = Date.now();
  let isAsking = false;

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const old of board.querySelectorAll("[data-live]")) {
      const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
      // Whoever stands in it with the keyboard is not thrown out; the next round comes.
      if (!now || old.contains(document.activeElement)) return false;
      const open = [...old.querySelectorAll("details")].map((one) => one.open);
      drawn = drawn.filter(({ box, chart }) => !old.contains(box) || chart.dispose());
      old.replaceWith(document.adoptNode(now));
      drawAll(now);
      now.querySelectorAll("details").forEach((one, n) => (one.open = open[n] ?? one.open));
      window.htmx?.process(now);
    }
    return true;
  };

  const renew = async () => {
    if (document.hidden || isAsking || Date.now() - asked < every) return;
    asked = Date.now();
    isAsking = true;
    try {
      const url = new URL(location.href);
      for (const name of [...url.searchParams.keys()]) {
        if (name === "show" || name.startsWith("of_")) url.searchParams.delete(name);
      }
      url.searchParams.set("live", "1");
      const answer = await fetch(url, {
        headers: etag ? { "If-None-Match": etag } : {},
        cache: "no-store",
        redirect: "error",
      });
      if (answer.status !== 304 && !answer.ok) return;
      if (answer.ok && !replace(await answer.text())) return;
      etag = answer.headers.get("ETag") || "";
      const time = decodeURIComponent(answer.headers.get("X-As-Of") || "");
      for (const one of document.querySelectorAll("[data-as-of]")) if (time) one.textContent = time;
    } catch {
      // The server is away: what is shown keeps its time, and the next round comes.
    } finally {
      isAsking = false;
    }
  };
  setInterval(renew, Math.min(every, 5000));
  document.addEventListener("visibilitychange", renew);
})();
