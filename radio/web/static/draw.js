// Draw a song's waveform and its two curves over time; colours come from the style sheet.

export function colours(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(["ink", "faint", "line", "like", "dislike", "accent", "paper"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Match a canvas to the screen's resolution; return its context and its size in CSS pixels. */
export function fitted(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Return the slider at a moment: the latest point before it; null before the first. */
export function ratingAt(points, seconds) {
  let value = null;
  for (const [when, level] of points) {
    if (when > seconds) break;
    value = level;
  }
  return value;
}

/** Draw the waveform: in the colour of its rating up to the position, faintly after it; the letters of its sections; a marked part, [start, stop] in seconds. */
export function waveform(canvas, peaks, duration, position, points, form, marked) {
  const { context, width, height } = fitted(canvas);
  if (!peaks || !peaks.length || !duration) return;
  const tint = colours(canvas);
  const count = Math.max(24, Math.min(peaks.length, Math.floor(width / 5)));
  const step = width / count;
  const bar = Math.max(2, step * 0.56);
  const room = height - (form ? 14 : 0); // above the letters
  if (marked) {
    const [from, to] = marked.map((seconds) => (seconds * width) / duration);
    context.fillStyle = tint.accent;
    context.globalAlpha = 0.22;
    context.fillRect(from, 0, to - from, height);
    context.globalAlpha = 1;
    for (const edge of [from, to - 2]) context.fillRect(edge, 0, 2, height);
  }
  for (let place = 0; place < count; place++) {
    const from = Math.floor((place * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((place + 1) * peaks.length) / count));
    const level = Math.max(...peaks.slice(from, to));
    const seconds = ((place + 0.5) * duration) / count;
    const rating = ratingAt(points, seconds);
    const tall = Math.max(3, level * (room - 4));
    context.fillStyle = rating === null || Math.abs(rating) < 0.005 ? tint.ink : rating > 0 ? tint.like : tint.dislike;
    context.globalAlpha = seconds > position ? 0.2 : rating === null ? 0.75 : 0.45 + 0.55 * Math.min(1, Math.abs(rating) * 1.4);
    if (seconds > position) context.fillStyle = tint.ink;
    context.beginPath();
    context.roundRect(place * step + (step - bar) / 2, (room - tall) / 2, bar, tall, bar / 2);
    context.fill();
  }
  context.globalAlpha = 0.6;
  context.fillStyle = tint.ink;
  context.font = "11px system-ui, sans-serif";
  [...(form || "")].forEach((letter, place) => context.fillText(letter, (place * width) / form.length + 2, height - 2));
  context.globalAlpha = 1;
  playhead(context, (position / duration) * width, height, tint.accent);
}

/** Draw the listener's curve and the predicted one over the same time. */
export function curves(canvas, points, predicted, duration, position, slider) {
  const { context, width, height } = fitted(canvas);
  const tint = colours(canvas);
  const y = (value) => height / 2 - value * (height / 2 - 7);
  context.strokeStyle = tint.line;
  context.lineWidth = 1;
  for (const level of [-1, 0, 1]) {
    context.setLineDash(level ? [1, 5] : []);
    context.beginPath();
    context.moveTo(0, Math.round(y(level)) + 0.5);
    context.lineTo(width, Math.round(y(level)) + 0.5);
    context.stroke();
  }
  context.setLineDash([]);
  if (!duration) return;
  const x = (seconds) => (seconds / duration) * width;
  if (predicted && predicted.length) {
    context.beginPath();
    context.moveTo(0, y(predicted[0]));
    predicted.forEach((value, place) => context.lineTo(((place + 0.5) / predicted.length) * width, y(value)));
    context.lineTo(width, y(predicted[predicted.length - 1]));
    context.strokeStyle = tint.accent;
    context.lineWidth = 1.6;
    context.setLineDash([2, 5]);
    context.lineCap = "round";
    context.stroke();
    context.setLineDash([]);
  }
  if (points.length) {
    const ordered = [...points].sort((one, other) => one[0] - other[0]);
    const last = ordered[ordered.length - 1];
    const end = Math.max(last[0], position);
    context.beginPath();
    ordered.forEach(([seconds, value], place) => {
      if (place) context.lineTo(x(seconds), y(ordered[place - 1][1]));
      context.lineTo(x(seconds), y(value));
    });
    context.lineTo(x(end), y(slider ?? last[1]));
    const rising = context.createLinearGradient(0, y(1), 0, y(-1));
    rising.addColorStop(0, tint.like);
    rising.addColorStop(0.46, tint.like);
    rising.addColorStop(0.54, tint.dislike);
    rising.addColorStop(1, tint.dislike);
    context.strokeStyle = rising;
    context.lineWidth = 2.6;
    context.lineJoin = "round";
    context.stroke();
    context.beginPath();
    context.arc(x(end), y(slider ?? last[1]), 4.5, 0, 7);
    context.fillStyle = rising;
    context.fill();
  }
  playhead(context, x(position), height, tint.accent);
}

function playhead(context, x, height, colour) {
  context.fillStyle = colour;
  context.fillRect(Math.round(x) - 1, 0, 2, height);
}
