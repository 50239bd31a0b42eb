/** The pattern that marks time without figures. Charts refer to it by its id. */
export function Hatch() {
  return (
    <svg class="sprite" aria-hidden="true">
      <defs>
        <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line class="hatchline" x1="0" y1="0" x2="0" y2="5" />
        </pattern>
      </defs>
    </svg>
  );
}
