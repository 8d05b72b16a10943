// The images of davit/davit.h.
#include "davit/images.hpp"
#include "base/error.hpp"
#include "c/handles.hpp"
#include "c/json_options.hpp"

namespace {

using namespace davit;

c::Json document_of(const image::Image& image) {
    return {{"id", image.id},
            {"tags", image.tags},
            {"digests", image.digests},
            {"os", image.platform.os},
            {"architecture", image.platform.architecture},
            {"variant", image.platform.variant},
            {"created", image.created},
            {"size", image.size}};
}

c::Json document_of(const RemovedImages& removed) {
    return {{"untagged", removed.untagged}, {"deleted", removed.deleted}};
}

char* for_caller(const c::Json& value) {
    return c::text_for_caller(value.dump(-1, ' ', false, c::Json::error_handler_t::replace));
}

std::vector<std::string> names_from(const char* text) {
    c::Json value = c::parsed(c::required(text, "the names").c_str(), "the names");
    if (value.is_string()) value = c::Json::array({value});
    try {
        return value.get<std::vector<std::string>>();
    } catch (const c::Json::exception&) {
        throw error(Errc::usage, "the names are not an array of texts");
    }
}

} // namespace

extern "C" {

char* davit_images(davit_engine* engine, davit_error** error) {
    return c::made(error, [&] {
        c::Json out = c::Json::array();
        for (const image::Image& image : list_images(c::engine_of(engine))) out.push_back(document_of(image));
        return for_caller(out);
    });
}

char* davit_image_pull(davit_engine* engine, const char* name, const char* options, davit_item item, void* user,
                       davit_stop* stop, davit_error** error) {
    return c::made(error, [&] {
        PullImageOptions how;
        c::Fields f(c::parsed(options, "the options of pull"), "the options of pull");
        f.take("platform", how.platform);
        f.end();
        c::Leaving leaving(stop);
        if (item)
            how.events = [&](const Event& e) {
                const c::Json one{
                    {"event", to_string(e.kind)}, {"text", e.text}, {"current", e.current}, {"total", e.total}};
                const std::string text = one.dump(-1, ' ', false, c::Json::error_handler_t::replace);
                if (!leaving.left() && item(user, text.c_str()) != 0) leaving.leave();
            };
        return for_caller(
            document_of(pull_image(c::engine_of(engine), c::required(name, "the image's name"), how, leaving.token())));
    });
}

char* davit_image_load(davit_engine* engine, const char* path, int fd, davit_stop* stop, davit_error** error) {
    return c::made(error, [&] {
        davit::Engine& to = c::engine_of(engine);
        const auto loaded =
            path ? load_images(to, path, {}, c::token(stop)) : load_images(to, fd, "the archive", {}, c::token(stop));
        c::Json out = c::Json::array();
        for (const LoadedImage& one : loaded) {
            out.push_back(document_of(one.image));
            out.back()["references"] = one.references;
        }
        return for_caller(out);
    });
}

int davit_image_save(davit_engine* engine, const char* names, int fd, davit_stop* stop, davit_error** error) {
    return c::guarded(error, [&] { save_images(c::engine_of(engine), names_from(names), fd, {}, c::token(stop)); });
}

int davit_image_tag(davit_engine* engine, const char* name, const char* new_name, davit_error** error) {
    return c::guarded(error, [&] {
        tag_image(c::engine_of(engine), c::required(name, "the image's name"), c::required(new_name, "the new name"));
    });
}

char* davit_image_remove(davit_engine* engine, const char* name, const char* options, davit_error** error) {
    return c::made(error, [&] {
        RemoveImageOptions how;
        c::Fields f(c::parsed(options, "the options of remove"), "the options of remove");
        f.take("force", how.force);
        f.take("platform", how.platform);
        f.end();
        davit::Engine& of = c::engine_of(engine);
        const RemovedImages removed = remove_image(of, c::required(name, "the image's name"), how);
        empty_image_trash(of);
        return for_caller(document_of(removed));
    });
}

char* davit_image_prune(davit_engine* engine, const char* options, davit_stop* stop, davit_error** error) {
    return c::made(error, [&] {
        PruneImageOptions how;
        c::Fields f(c::parsed(options, "the options of prune"), "the options of prune");
        f.take("all", how.all);
        f.end();
        davit::Engine& of = c::engine_of(engine);
        const PrunedImages pruned = prune_images(of, how, c::token(stop));
        empty_image_trash(of, c::token(stop));
        c::Json out = document_of(pruned);
        out["bytes"] = pruned.bytes;
        return for_caller(out);
    });
}

} // extern "C"
