#include "rootfs/commit.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/container_files.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/diagnostics.hpp"
#include "cli/options.hpp"

#include <cstdio>

namespace davit::cli {

namespace {

// Its processes stand still while its files are read.
class Paused {
public:
    Paused(Engine& engine, const ContainerInfo& container, bool wanted)
        : engine_(engine), container_(container), paused_(wanted && container.state == ContainerState::running) {
        if (paused_) engine_.pause(container_.project, {container_.service});
    }
    ~Paused() {
        if (paused_) try {
                engine_.unpause(container_.project, {container_.service});
            } catch (const Error& e) {
                print_error(e);
            }
    }
    Paused(const Paused&) = delete;
    Paused& operator=(const Paused&) = delete;

private:
    Engine& engine_;
    const ContainerInfo& container_;
    bool paused_;
};

} // namespace

int run_commit(Globals& globals, const Args& args) {
    rootfs::CommitOptions commit;
    bool pause = true;
    int index = 0;
    std::vector<std::string> words;
    Options options(globals, "commit [OPTIONS] SERVICE [REPOSITORY[:TAG]]",
                    "Create a new image from a service container's changes");
    options.value("a,author", commit.author, "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")")
        .list("c,change", commit.changes, "Apply Dockerfile instruction to the created image", "list")
        .value("index", index, "Index of the container if service has multiple replicas")
        .value("m,message", commit.message, "Commit message")
        .flag("p,pause", pause, "Pause the service's containers during commit (default true)")
        .arguments(words, 1, 2);
    if (!options.parse(args)) return 0;
    std::optional<registry::Reference> name;
    if (words.size() == 2) name = registry::Reference::parse(words[1]);
    Context context(globals);
    const ContainerInfo container = containers_for_files(context, words[0], index).front();
    if (context.dry_run()) return 0;
    image::Store store = open_image_store();
    const auto base = store.find(container.image_id);
    if (!base)
        throw error(Errc::not_found, "the image {} of container {} is no longer there", container.image,
                    container.name);
    commit.labels = container.labels;
    context.mute();
    const Paused paused(context.engine(), container, pause);
    const image::Image image = rootfs::commit(store, *base, spec_of(context, container), commit);
    if (name) store.tag(image, *name);
    std::fprintf(stderr, " Container %s Committed as %s\n", printable(container.name).c_str(),
                 printable(name ? name->familiar() : image.id).c_str());
    return 0;
}

} // namespace davit::cli
