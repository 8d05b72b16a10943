#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "davit/files.hpp"

#include <cstdio>

namespace davit::cli {

int run_commit(Globals& globals, const Args& args) {
    CommitOptions how;
    int index = 0;
    std::vector<std::string> words;
    Options options(globals, "commit [OPTIONS] SERVICE [REPOSITORY[:TAG]]",
                    "Create a new image from a service container's changes");
    options.value("a,author", how.author, "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")")
        .list("c,change", how.changes, "Apply Dockerfile instruction to the created image", "list")
        .value("index", index, "Index of the container if service has multiple replicas")
        .value("m,message", how.message, "Commit message")
        .flag("p,pause", how.pause, "Pause the service's containers during commit (default true)")
        .arguments(words, 1, 2);
    if (!options.parse(args)) return 0;
    if (words.size() == 2) how.name = words[1];
    Context context(globals);
    const ContainerInfo container = containers_for_files(context, words[0], index).front();
    context.engine(); // says what is wrong with the machine before anything is told
    context.mute();
    told_of(context, container, {"Committing", "Committed", ""}, [&](FileWords& told) {
        told.done = "Committed as " + commit(context.engine(), container, how, context.stop()).id;
    });
    return 0;
}

} // namespace davit::cli
