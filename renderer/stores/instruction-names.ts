import { defineStore } from 'pinia';
import { ref } from 'vue';

const KEY = 'instruction-names';

/** Under which names instructions are shown, kept between sessions. */
export const useInstructionNames = defineStore('instruction-names', () => {
  /** Their own ones (`c.addi`), not those that objdump prefers (`add`, `li`, `mv`). */
  const own = ref(localStorage.getItem(KEY) === 'own');

  function toggle(): void {
    own.value = !own.value;
    localStorage.setItem(KEY, own.value ? 'own' : 'objdump');
  }

  return { own, toggle };
});
