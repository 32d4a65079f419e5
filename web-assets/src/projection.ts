// Longitude and latitude → the map of the United States as it is usually drawn: Albers' equal-area conic, with Alaska
// (smaller), Hawaii and Puerto Rico moved below the south-west and south-east. y grows downwards, unit: earth radii.

type Point = [number, number];

function albers(center: Point, parallels: Point, scale: number, offset: Point) {
  const radians = Math.PI / 180;
  const [sin1, sin2] = [Math.sin(parallels[0] * radians), Math.sin(parallels[1] * radians)];
  const n = (sin1 + sin2) / 2;
  const c = 1 + sin1 * (2 * n - sin1);
  const radius = (latitude: number) => Math.sqrt(Math.max(0, c - 2 * n * Math.sin(latitude * radians))) / n;
  const radius0 = radius(center[1]);
  return ([longitude, latitude]: Point): Point => {
    const angle = n * (longitude - center[0]) * radians;
    const r = radius(latitude);
    return [offset[0] + scale * r * Math.sin(angle), offset[1] + scale * (r * Math.cos(angle) - radius0)];
  };
}

const mainland = albers([-96, 37.5], [29.5, 45.5], 1, [0, 0]);
const alaska = albers([-154, 60], [55, 65], 0.35, [-0.307, 0.201]);
const hawaii = albers([-157, 20.5], [8, 18], 1, [-0.19, 0.225]);
const puerto_rico = albers([-66, 18], [8, 18], 1, [0.33, 0.235]);

export function project([longitude, latitude]: Point): Point {
  const west = longitude > 0 ? longitude - 360 : longitude;   // the Aleutians cross the date line
  const point: Point = [west, latitude];
  if (latitude > 50 && west < -125) return alaska(point);
  if (latitude < 30 && west < -140) return hawaii(point);
  if (latitude < 20 && west > -70) return puerto_rico(point);
  return mainland(point);
}
