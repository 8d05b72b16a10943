#include "cli/attach/session.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"

#include <unistd.h>

namespace davit::cli {

int run_attach(Globals& globals, const Args& args) {
    int index = 0;
    bool no_stdin = false, sig_proxy = true;
    std::string keys = "ctrl-p,ctrl-q";
    std::vector<std::string> words;
    Options options(globals, "attach [OPTIONS] SERVICE",
                    "Attach local standard input, output, and error streams to a service's running container");
    options.value("detach-keys", keys, "Override the key sequence for detaching from a container.")
        .value("index", index, "index of the container if service has multiple replicas.")
        .flag("no-stdin", no_stdin, "Do not attach STDIN")
        .flag("sig-proxy", sig_proxy, "Proxy all received signals to the process (default true)")
        .arguments(words, 1, 1);
    if (!options.parse(args)) return 0;
    AttachOptions attach;
    attach.keys = DetachKeys(keys);
    Context context(globals);
    const ContainerInfo container = running_container(context, words[0], index);
    if (context.dry_run()) return 0;
    attach.container = container;
    attach.input = !no_stdin && container.open_stdin;
    attach.forward_signals = sig_proxy;
    return attach_to(context.engine(), attach, context.interrupts()).value_or(0);
}

} // namespace davit::cli
