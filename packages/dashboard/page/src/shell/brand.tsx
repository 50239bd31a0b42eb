/** The anvil, and the name. */
export function Brand({ href }: { href: string }) {
  return (
    <a class="brand" href={href}>
      <svg viewBox="0 0 20 20" aria-hidden="true">
        <path
          fill="currentColor"
          d="M2 5.5h11.5a4.5 4.5 0 0 0 4.500-2v3.600c-1.200 2-3.200 3.100-5.600 3.300v1.100c0 1.500.9 2.300 2.600 2.900V17H5v-2.600c1.700-.6 2.600-1.400 2.600-2.900v-1.200C4.700 9.900 2.700 8.300 2 5.500Z"
        />
      </svg>
      <span>Brokkr</span>
    </a>
  );
}
