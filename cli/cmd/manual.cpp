#include "cli/manual.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/verbs.hpp"
#include "davit/boot.hpp"

#include <cstdio>
#include <unistd.h>

namespace davit::cli {

// `davit __manual VERB`, with what stands below man/verbs for it on standard input: its whole page. For the build.
int run_manual(Globals&, const Args& args) {
    if (args.size() != 1) throw error(Errc::usage, "one verb is needed").with_hint("davit __manual VERB < TEXT > PAGE");
    ManualPage page = describe_verb(args[0]);
    page.text = sys::read_all(STDIN_FILENO);
    std::fputs(to_scdoc(page).c_str(), stdout);
    return 0;
}

// `davit __unit PROGRAM`: the unit that a package brings. For the build.
int run_unit(Globals&, const Args& args) {
    if (args.size() != 1) throw error(Errc::usage, "one program is needed").with_hint("davit __unit PROGRAM > UNIT");
    std::fputs(boot_unit(args[0]).c_str(), stdout);
    return 0;
}

} // namespace davit::cli
