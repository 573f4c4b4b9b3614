export default { template: `<section></section>`, props: { training: Object } };
