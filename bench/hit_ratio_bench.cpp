// Hit ratios of Lodestar's cache beside those of other policies and of the optimum, on recorded and
// generated traces. The figures do not depend on the machine. Its parts are in hit_ratio/.
#include "hit_ratio/command.hpp"

int main(int argc, char** argv) {
  return lodestar::bench::hit_ratio::run_command(argc, argv);
}
