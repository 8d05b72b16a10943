// How an output wants its images written: media types, compression, annotations. Pure.
#pragma once

#include "davit/build.hpp"
#include "image/layer_blobs.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit::build {

using Annotations = std::map<std::string, std::string>;

struct ImageForm {
    bool docker = false; // Docker's media types
    bool blobs = false;  // layers are compressed now, so that the manifest says all
    bool force = false;  // those of base images as well
    image::BlobForm compression = image::BlobForm::gzip;
    Annotations index, index_descriptor;
    // By platform; "": of each.
    std::map<std::string, Annotations> manifest, manifest_descriptor;

    Annotations manifest_of(const std::string& platform) const { return of(manifest, platform); }
    Annotations descriptor_of(const std::string& platform) const { return of(manifest_descriptor, platform); }

private:
    static Annotations of(const std::map<std::string, Annotations>& all, const std::string& platform);
};

// Annotations are attributes: "annotation.KEY", "annotation-index[PLATFORM].KEY" …. Errc::usage: a compression that
// there is not.
ImageForm image_form(const BuildOutput& output);
} // namespace davit::build
