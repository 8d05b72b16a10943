// The parts of a config.json, one file each: every member of OCI's runtime-spec 1.3 for Linux by its name.
#pragma once

#include "runtime/spec.hpp"

namespace davit::runtime::oci {

class Fields;

void process(Fields& f, Process& p);      // "process"
void root(Fields& f, Root& r);            // "root"
void mount(Fields& f, Mount& m);          // one of "mounts"
void hooks(Fields& f, Hooks& h);          // "hooks"
void linux_part(Fields& f, Spec& s);      // "linux"
void resources(Fields& f, Resources& r);  // "linux.resources"
void namespaces(Fields& f, Spec& s);      // "linux.namespaces", mappings and offsets
void seccomp(Fields& f, Seccomp& s);      // "linux.seccomp"
void id_mapping(Fields& f, IdMapping& m); // one of "uidMappings"

} // namespace davit::runtime::oci
